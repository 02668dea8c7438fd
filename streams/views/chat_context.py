"""Prepares what templates need to draw one conversation, on its own page and in a site's page."""

from __future__ import annotations

import json
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
from streams.partial_conversation_snapshot import PartialSnapshot, partial_snapshot

from .transcript_presenter import turns_of

# What a prompt will do that is sent while an answer is being written; send_hint.js says the same.
NEXT = {
    "queue": gettext_noop("Send after this answer"),
    "steer": gettext_noop("Send into this answer"),
    "interrupt": gettext_noop("Stop and send"),
    "reject": gettext_noop("Wait for this answer, or stop it"),
}


def chat_context(taken: PartialSnapshot, device: Device | None) -> dict[str, Any]:
    """A part of a conversation at the moment of the snapshot, as `device` sees it."""
    return {
        "conversation": taken.conversation,
        "head": taken.transcript.head,
        "beat": int(conf().presence * 1000 / 3),
        "turns": turns_of(taken, device),
        "opening": taken.opening,
        "begins": taken.begins,
        "ends": taken.ends,
        "elsewhere": None if taken.elsewhere is None else json.dumps(runs_elsewhere(taken)),
        "newest": taken.newest,
        "end": taken.end,
        "held": taken.held,
        "front": taken.front,
        "next": next_words(taken.conversation.on_busy, taken.front) if taken.front else "",
    }


def runs_elsewhere(taken: PartialSnapshot) -> list[dict[str, Any]]:
    """Returns the open runs whose answers are in branches that are not shown: see
    `hidden_branches.js`."""
    others = {message.run: (message, answers) for message, answers in taken.elsewhere or ()}
    return [
        {
            "run": run.id,
            "prompt": run.prompt,
            "message": run.message,
            "rank": run.rank,
            "at": others[run.id][0].seq,
            "alone": others[run.id][1] == 1,
            "holdsTurn": not run.turn[0],
        }
        for run in taken.transcript.in_turn()
        if run.id in others
    ]


def next_words(on_busy: str, front: RunState) -> str:
    """Says what a prompt does that is sent now. It joins the answer of an agent alone: another has
    no steps between which it could.
    """
    alone = on_busy == "steer" and not front.steerable
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
    most, branch = conf().page_messages, request.GET.get("branch")
    taken = partial_snapshot(conversation.pk, most, holding=branch, farthest=2 * most)
    if device:
        DeviceSession.visit(device, conversation, taken.transcript.head)
    with limited(conf().render_seconds):
        return chat_context(taken, device) | {"device": device}


def known_device(request: HttpRequest, owner: Any) -> Device | None:
    """Returns the device that the session names: the cookie is sent to our own addresses only. None
    while the session has opened none of them, and if the device is another person's, who looks at
    the page as this one.

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
