"""What AG-UI's clients call threads and runs: a run of ours may be several of theirs, since each
that was answered to goes on under another name.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from streams.dialects import naming
from streams.dialects.runs import named
from streams.models import Conversation, Run
from streams.postgres.database import atomic

MOST = 100  # names that a run keeps


class Named(NamedTuple):
    """A run, and the number of the event behind which it is what the client calls so."""

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
    uuid = naming.run_uuid(user, name)
    return None if Run.objects.filter(uuid=uuid).exists() else uuid


@atomic
def begun(user: Any, run: Run, thread: str, name: str) -> None:
    """Keeps what the client calls the run's thread, and the run where its id does not say so: its
    prompt was being answered already, or the id was taken."""
    if thread != str(run.conversation.uuid):
        keep(run, locked(run) | {"thread": thread})
    if run.uuid != naming.run_uuid(user, name):
        remember(run, name, 0)


@atomic
def remember(run: Run, name: str, after: int) -> None:
    """Keeps that the client calls the run so from an event on; of many names the newest."""
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
