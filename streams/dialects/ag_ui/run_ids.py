"""What AG-UI's clients call threads and runs: a run of ours may be several of theirs, since each
that was answered to goes on under another name.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from streams.dialects import client_ids
from streams.dialects.runs import named
from streams.models import Conversation, Run
from streams.postgres.database import atomic

MOST = 100  # names that a run keeps


class Named(NamedTuple):
    """A run, and the number of the event after which the run has the name the client gave."""

    run: Run
    after: int = 0


def find(user: Any, name: str) -> Named | None:
    """Returns the person's run of this name or id, with its conversation and answer."""
    if run := named(user, name):
        return Named(run)
    own = Run.objects.owned_by(user).select_related("conversation", "answer")
    # Both conditions are those of the index `runs_continued`.
    known = own.filter(asked__has_key="continued", asked__continued__has_key=name)
    run = known.first()
    return Named(run, run.asked["continued"][name]) if run and run.asked else None


def free_uuid(user: Any, name: str) -> UUID | None:
    """Returns the id of a new run of this name; None where a deleted conversation's run has it."""
    uuid = client_ids.run_uuid(user, name)
    return None if Run.objects.filter(uuid=uuid).exists() else uuid


@atomic
def begun(user: Any, run: Run, thread: str, name: str) -> None:
    """Keeps the client's name of the thread if it is not the conversation's id, and its name of the
    run if the run's id was not made of it: the prompt was being answered already, or that id was
    taken.
    """
    if thread != str(run.conversation.uuid):
        keep(run, locked(run) | {"thread": thread})
    if run.uuid != client_ids.run_uuid(user, name):
        remember(run, name, 0)


@atomic
def remember(run: Run, name: str, after: int) -> None:
    """Keeps the client's name of the run from the event `after` on; the newest MOST names stay."""
    asked = locked(run)
    continued = {**asked.get("continued", {}), name: after}
    others = sorted(continued.keys() - {name}, key=lambda other: continued[other])
    kept = [*others, name][-MOST:]
    keep(run, asked | {"continued": {each: continued[each] for each in kept}})


def conversation_name(run: Run) -> str:
    """Returns what the client that has begun the run calls its thread."""
    return str((run.asked or {}).get("thread") or run.conversation.uuid)


def locked(run: Run) -> dict[str, Any]:
    """Returns what is kept by now, and locks it: another tab may keep a name at the same time."""
    Conversation.lock(run.conversation_id)
    return Run.objects.select_for_update(no_key=True).get(pk=run.pk).asked or {}


def keep(run: Run, known: dict[str, Any]) -> None:
    run.asked = known
    run.save(update_fields=["asked"])
