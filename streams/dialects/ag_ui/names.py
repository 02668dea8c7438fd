"""What AG-UI's clients call threads and runs: a run of ours may be several of theirs, since each
that was answered to goes on under another name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from streams.dialects.runs import named
from streams.models import Run

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
    run = own.filter(asked__continued__has_key=name).first()
    return Named(run, run.asked["continued"][name]) if run and run.asked else None


def begun(run: Run, thread: str) -> None:
    """Keeps what the client calls the run's thread."""
    if thread != str(run.conversation.uuid):
        keep(run, {"thread": thread})


def remember(run: Run, name: str, after: int) -> None:
    """Keeps that the client calls the run so from an event on."""
    continued = (run.asked or {}).get("continued", {})
    if len(continued) < MOST:
        keep(run, {"continued": continued | {name: after}})


def conversation_name(run: Run) -> str:
    """Returns what the client that has begun the run calls its thread."""
    return str((run.asked or {}).get("thread") or run.conversation.uuid)


def keep(run: Run, known: dict[str, Any]) -> None:
    run.asked = (run.asked or {}) | known
    run.save(update_fields=["asked"])
