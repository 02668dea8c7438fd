"""Appends events to the logs of many conversations in one statement.

The statement locks each conversation's row. The holder of that lock numbers the events, inserts
them and updates the run beside them, so no reader sees an event without the change it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import psycopg
from psycopg import AsyncConnection

from . import ledger
from .append_statement import (
    APPEND,
    EVENTS_ALONE,
    LEFT_OUT,
    MOST_TOLD,
    UNLISTED_EVENTS,
    WITHOUT_LEDGER,
)
from .encoding import dumps
from .ledger import Ledger

Verdict = Literal["ok", "busy", "refused"]


class NewEvent:
    """An event that has not been given its number yet.

    The data is encoded to JSON here, so that a value JSON cannot hold raises TypeError in the code
    that made it, and never fails the batch it would have travelled in. `ledger` is what commits
    with it, and `size` the bytes that are sent to PostgreSQL for it, about.
    """

    __slots__ = ("data", "json", "ledger", "run_id", "size", "type")

    def __init__(
        self,
        type: str,
        data: Mapping[str, Any],
        run_id: int | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.type = type
        self.data = data
        self.json = dumps(data)
        self.run_id = run_id
        self.ledger = ledger
        self.size = len(self.json) + (ledger.size if ledger else 0)


@dataclass(slots=True)
class RunChange:
    """The changes to a run's row that commit together with its events.

    A `status` releases the lease: a terminal status, `queued` when the run is handed back, or
    `waiting`, which becomes `queued` where nothing is undecided any more.
    `blocks` is the text of the answer, as `transcript.blocks_of` builds it.
    """

    run_id: int
    first_token: bool = False
    status: str | None = None
    stop_reason: str = ""
    usage: Mapping[str, int] | None = None
    error_code: str = ""
    error_message: str = ""
    vendor_error: str = ""
    retryable: bool = False
    answer_id: int | None = None
    blocks: Sequence[Mapping[str, Any]] | None = None


@dataclass(slots=True)
class Append:
    """The events of one conversation in a batch. Without a `token` no lease is checked."""

    conversation_id: int
    events: Sequence[NewEvent]
    token: int | None = None
    change: RunChange | None = None

    @property
    def releases(self) -> bool:
        return self.change is not None and self.change.status is not None

    @property
    def ends(self) -> bool:
        return self.releases and self.change is not None and self.change.status not in GOES_ON

    @property
    def is_more_than_events(self) -> bool:
        """Tells whether anything but the log changes with them."""
        return self.change is not None or self.listed or any(e.ledger for e in self.events)

    @property
    def waits(self) -> int:
        """Counts the calls it adds that wait for a decision."""
        return sum(event.ledger.waits for event in self.events if event.ledger)

    @property
    def listed(self) -> bool:
        """Tells whether the list of conversations changes; deltas leave it as it is."""
        return any(not event.type.startswith(UNLISTED) for event in self.events)


GOES_ON = ("queued", "waiting")
UNLISTED = ("block.", "step.", "tool.progress")


class AppendResult(NamedTuple):
    """The outcome for one conversation: `ok` and the number of its last event; `busy` while another
    holds the row (try again); `refused` if the lease is another's or it was purged.
    """

    conversation_id: int
    verdict: Verdict
    head: int | None


async def append(to: AsyncConnection, batch: Sequence[Append]) -> list[AppendResult]:
    """Appends events for many conversations; `batch` holds each conversation at most once."""
    if not batch:
        return []
    if len(batch) <= MOST_TOLD and not any(a.is_more_than_events for a in batch):
        return await append_unlisted(to, batch)
    known = arrays(batch)
    cursor = await to.execute(leanest(known), known)
    return [AppendResult(*row[:3]) for row in await cursor.fetchall()]


async def append_unlisted(to: AsyncConnection, batch: Sequence[Append]) -> list[AppendResult]:
    cursor = await to.execute(UNLISTED_EVENTS, event_arrays(batch))
    found = [AppendResult(*row[:3]) for row in await cursor.fetchall()]
    if len(found) < len(batch):
        accepted = {each.conversation_id for each in found}
        found += await left_out(to, [a for a in batch if a.conversation_id not in accepted])
    return found


async def left_out(to: AsyncConnection, batch: Sequence[Append]) -> list[AppendResult]:
    """Never raises what PostgreSQL says: others' events are committed, and would be sent again."""
    known = {
        "conversations": literal([a.conversation_id for a in batch]),
        "tokens": literal([a.token for a in batch]),
    }
    try:
        rows = await (await to.execute(LEFT_OUT, known)).fetchall()
    except psycopg.Error:
        return [AppendResult(a.conversation_id, "busy", None) for a in batch]
    return [AppendResult(*row) for row in rows]


def leanest(known: Mapping[str, Any]) -> str:
    """Returns the statement that does what these parameters ask for, and is ready for no more."""
    if any(known[name] != "[]" for name in ("steps", "made", "changed")):
        return APPEND
    return EVENTS_ALONE if known["changes"] == "[]" else WITHOUT_LEDGER


def arrays(batch: Sequence[Append]) -> dict[str, Any]:
    """Builds the statement's parameters as one array per column, which costs less than one per
    row. Arrays of numbers are text: given as lists they have the type of their largest number, and
    the statement is prepared for each mixture of types.
    """
    changes = [change for a in batch if (change := changed(a))]
    entries = [(a.conversation_id, e) for a in batch for e in a.events if e.ledger]
    kept = ledger.rows([(pk, e.run_id, e.ledger) for pk, e in entries if e.ledger])
    return {
        **event_arrays(batch),
        "releases": literal([a.releases for a in batch]),
        "listed": literal([a.listed for a in batch]),
        "ends": literal([a.ends for a in batch]),
        "waits": literal([a.waits for a in batch]),
        "changing": literal([change["run_id"] for change in changes]),
        "answers": literal([change["answer_id"] for change in changes]),
        "changes": dumps(changes),
        "steps": dumps(kept["steps"]),
        "made": dumps(kept["made"]),
        "changed": dumps(kept["changed"]),
        "changed_calls": kept["changed_calls"],
    }


def event_arrays(batch: Sequence[Append]) -> dict[str, Any]:
    events = [event for a in batch for event in a.events]
    return {
        "conversations": literal([a.conversation_id for a in batch]),
        "tokens": literal([a.token for a in batch]),
        "counts": literal([len(a.events) for a in batch]),
        "owners": literal([a.conversation_id for a in batch for _ in a.events]),
        "nths": literal([nth for a in batch for nth in range(1, len(a.events) + 1)]),
        "runs": literal([event.run_id for event in events]),
        "types": [event.type for event in events],
        "datas": [event.json for event in events],
    }


def literal(column: Sequence[int | None]) -> str:
    """Returns an array as PostgreSQL reads it, which is nearly as Python writes a list."""
    return f"{{{repr([*column])[1:-1].replace('None', 'NULL')}}}"


def changed(a: Append) -> dict[str, Any] | None:
    """Builds what becomes of the run's row: first by its steps, then by how it ends."""
    entries = [(nth, e.run_id, e.ledger) for nth, e in enumerate(a.events, 1) if e.ledger]
    found: dict[str, Any] = {}
    for nth, run_id, entry in entries:
        if entry.began is not None:
            found |= {"run_id": run_id, "step": entry.began}
        if entry.ended and (answer := entry.answer):
            found |= {"run_id": run_id, "steps": entry.ended.number, "step_nth": nth}
            found |= {"from_block": len(answer.blocks), "usage": answer.usage}
            found |= {"answer_id": answer.answer_id, "blocks": answer.blocks}
    if not (found or a.change):
        return None
    change = a.change or RunChange(found["run_id"])
    own = {name: getattr(change, name) for name in RunChange.__slots__ if name != "status"}
    return {
        "answer_id": None,
        **found,
        **{name: value for name, value in own.items() if name not in found or value is not None},
        "conversation_id": a.conversation_id,
        "wanted": change.status,
    }
