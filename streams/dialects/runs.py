"""Finds and stops runs by what clients know of them."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from streams import log
from streams.models import Conversation, Device, Run

from . import client_ids


def with_all(run: Run) -> Run:
    """Returns the run with its conversation and answer, as `DialectView.follow` wants it."""
    return Run.objects.select_related("conversation", "answer").get(pk=run.pk)


def named(user: Any, name: str) -> Run | None:
    """Returns the person's run that a client has named so, or that has this id."""
    own = Run.objects.owned_by(user).select_related("conversation", "answer")
    meant = [client_ids.run_uuid(user, name), client_ids.as_uuid(name)]
    return own.filter(uuid__in=[uuid for uuid in meant if uuid]).first()


def active(here: Conversation) -> Run | None:
    """Returns the run that is being written or waits for a decision, else the next in the queue,
    else None."""
    open = here.runs.filter(status__in=Run.OPEN).select_related("conversation", "answer")
    running = open.exclude(status=Run.Status.QUEUED).first()
    return running or open.order_by("rank", "pk").first()


def stop(here: Conversation, device: Device, message: Any = None) -> Run | None:
    """Cancels the run of this answer, or the active one without it; returns it, or None where
    nothing is being written any more."""
    if message is None:
        run = active(here)
    else:
        uuid = client_ids.as_uuid(str(message))
        found = here.runs.filter(Q(answer__uuid=uuid), status__in=Run.OPEN) if uuid else None
        run = found.select_related("answer").first() if found is not None else None
    if run:
        run.cancel(device)
    return run


def decided_by(run: Run) -> int:
    """Returns the number of an event before which nothing of the run waits any more."""
    if run.status == Run.Status.WAITING:
        return log.last_waiting(run.conversation_id, run.pk) - 1
    return run.conversation.last_seq
