"""What templates need to draw one conversation: on its own page, and in a page of a site's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import auth
from django.http import Http404, HttpRequest
from django.utils.translation import gettext, gettext_noop

from streams import access
from streams.conf import conf
from streams.log.transcript import RunState
from streams.markdown.render_budget import limited
from streams.models import Conversation, Device, DeviceSession
from streams.snapshot import Snapshot, snapshot

from .message_window import window
from .transcript_presenter import Turn, front, turns_of

# What a prompt will do that is sent while an answer is being written; chat.js says the same.
NEXT = {
    "queue": gettext_noop("Send after this answer"),
    "steer": gettext_noop("Send into this answer"),
    "interrupt": gettext_noop("Stop and send"),
    "reject": gettext_noop("Wait for this answer, or stop it"),
}


def chat_context(
    taken: Snapshot, device: Device | None, before: int | None = None
) -> dict[str, Any]:
    """The newest messages at the moment of the snapshot, or those before the number `before`, as
    `device` sees them.
    """
    first, branch = front(taken), taken.transcript.branch()
    needed = {run.message for run in taken.transcript.in_turn()} if before is None else ()
    shown = window(branch, conf().page_messages, before, needed)
    return {
        "conversation": taken.conversation,
        "head": taken.transcript.head,
        "beat": int(conf().presence * 1000 / 3),
        "turns": turns_of(taken, device, shown.messages),
        "opening": Turn(branch[0]).text if branch else None,
        "begins": shown.begins,
        "ends": shown.ends,
        "branched": len(shown.messages) < len(taken.transcript.messages),
        "front": first,
        "next": next_words(taken.conversation.on_busy, first) if first else "",
    }


def next_words(on_busy: str, front: RunState) -> str:
    """Says what a prompt does that is sent now. It joins the answer of an agent alone: another has
    no steps between which it could.
    """
    alone = on_busy == "steer" and not front.model.startswith("agent:")
    return gettext(NEXT["queue" if alone else on_busy])


def embedded_context(request: HttpRequest, id: UUID) -> dict[str, Any]:
    """For a page of a site's own, whose transaction and connection stay as they are.

    Raises Http404 where the conversation is not there, or is not of who asks.
    """
    conversation = None
    if request.user.is_authenticated:
        conversation = Conversation.objects.owned_by(request.user).filter(uuid=id).first()
    if conversation is None:
        raise Http404("This conversation isn't here, or isn't theirs.")
    device = known_device(request, conversation.owner_id)
    taken = snapshot(conversation.pk)
    if device:
        DeviceSession.visit(device, conversation, taken.transcript.head)
    with limited(conf().render_seconds):
        return chat_context(taken, device) | {"device": device}


def known_device(request: HttpRequest, owner: Any) -> Device | None:
    """As the session tells: the cookie is for our own addresses. None for one that has not been
    there yet, and for the device of somebody else who looks at the page as this person.

    Raises Http404, and ends the session as our own pages do, where the device has been sent away.
    """
    pk, sign_outs = access.begun_on(request.session)
    if pk is None:
        return None
    device = Device.objects.filter(pk=pk).first()
    if device and device.user_id != owner:
        return None
    if device is None or not device.signed_in or device.sign_outs != sign_outs:
        auth.logout(request)
        raise Http404("This device has been signed out.")
    return device
