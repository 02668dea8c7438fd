"""What templates need to draw one conversation: on its own page, and in a page of a site's."""

from __future__ import annotations

import json
from collections.abc import Collection
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
    taken: Snapshot, device: Device | None, before: int | None = None, held: str | None = None
) -> dict[str, Any]:
    """The newest messages at the moment of the snapshot, or those before the number `before`, as
    `device` sees them; of the branch that holds the message `held`, or of the newest.
    """
    branch = taken.transcript.branch(held)
    ids = {message.id for message in branch}
    first, elsewhere = front(taken, ids), runs_elsewhere(taken, ids)
    needed = {run.message for run in taken.transcript.in_turn()} | {held or ""}
    shown = window(branch, conf().page_messages, before, needed if before is None else ())
    return {
        "conversation": taken.conversation,
        "head": taken.transcript.head,
        "beat": int(conf().presence * 1000 / 3),
        "turns": turns_of(taken, device, shown.messages),
        "opening": Turn(branch[0]).text if branch else None,
        "begins": shown.begins,
        "ends": shown.ends,
        "branched": len(shown.messages) < len(taken.transcript.messages),
        "elsewhere": json.dumps(elsewhere) if len(ids) < len(taken.transcript.messages) else None,
        "newest": newest_prompt(taken),
        "end": branch[-1].id if branch else "",
        "held": held if held in ids else None,
        "front": first,
        "next": next_words(taken.conversation.on_busy, first) if first else "",
    }


def newest_prompt(taken: Snapshot) -> str:
    """Returns the message that one without a parent follows, with the answers to it."""
    prompts = [message.id for message in taken.transcript.messages if message.run is None]
    return prompts[-1] if prompts else ""


def runs_elsewhere(taken: Snapshot, ids: Collection[str]) -> list[dict[str, Any]]:
    """Returns the open runs whose answers are in branches that are not shown: see
    `other_branches.js`."""
    numbers = {message.id: message.seq for message in taken.transcript.messages}
    return [
        {
            "run": run.id,
            "prompt": run.prompt,
            "message": run.message,
            "rank": run.rank,
            "at": numbers[run.message],
            "alone": [each.prompt for each in taken.transcript.runs.values()].count(run.prompt)
            == 1,
            "holdsTurn": not run.turn[0],
        }
        for run in taken.transcript.in_turn()
        if run.message not in ids
    ]


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
        return chat_context(taken, device, held=request.GET.get("branch")) | {"device": device}


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
