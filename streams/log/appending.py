"""Appends events to the logs of many conversations in one statement.

The statement locks each conversation's row. The holder of that lock numbers the events, inserts
them and updates the run beside them, so no reader sees an event without the change it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from psycopg import AsyncConnection

from streams.postgres.database import connection

from .encoding import dumps

Verdict = Literal["ok", "busy", "refused"]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that has not been given its number yet.

    The data is encoded to JSON here, so that a value JSON cannot hold raises TypeError in the code
    that made it, and never fails the batch it would have travelled in.
    """

    type: str
    data: Mapping[str, Any]
    run_id: int | None = None
    json: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "json", dumps(self.data))


@dataclass(slots=True)
class RunChange:
    """The changes to a run's row that commit together with its events.

    A `status` releases the lease: a terminal status, or `queued` when the run is handed back.
    `blocks` is the text of the answer, as `transcript.blocks_of` builds it.
    """

    run_id: int
    first_token: bool = False
    status: str | None = None
    stop_reason: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)
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
    def listed(self) -> bool:
        """Tells whether the list of conversations changes; deltas leave it as it is."""
        return any(not event.type.startswith("block.") for event in self.events)


class Outcome(NamedTuple):
    """What became of one conversation's part: `ok` and the number of its last event; `busy` while
    another holds the row (try again); `refused` if the lease is another's or it was purged.
    """

    conversation_id: int
    verdict: Verdict
    head: int | None


# The token sits on the row that is locked: PostgreSQL judges a locked row on its newest
# version, while a condition on another table is judged on the old snapshot and lets a
# zombie through.
APPEND = """
WITH batch AS (
    SELECT * FROM unnest(%(conversations)b::bigint[], %(tokens)b::bigint[],
                         %(counts)b::int[], %(releases)b::bool[], %(listed)b::bool[])
               AS b(conversation_id, token, n, releases, listed)
), held AS (
    SELECT c.id FROM streams_conversation c
     WHERE c.id = ANY(%(conversations)b::bigint[])
     ORDER BY c.id
       FOR NO KEY UPDATE SKIP LOCKED
), accepted AS (
    UPDATE streams_conversation c
       SET last_seq = c.last_seq + b.n,
           lease_token = c.lease_token + b.releases::int,
           active_run_id = CASE WHEN b.releases THEN NULL ELSE c.active_run_id END
      FROM held h JOIN batch b ON b.conversation_id = h.id
     WHERE c.id = h.id AND c.id = ANY(%(conversations)b::bigint[])
       AND (b.token IS NULL OR c.lease_token = b.token)
    RETURNING c.id, c.last_seq - b.n AS base, c.last_seq AS head, c.owner_id, b.listed
), written AS (
    INSERT INTO streams_event (conversation_id, seq, run_id, type, data, created_at)
    SELECT a.id, a.base + e.nth, e.run_id, e.type, e.data::jsonb, statement_timestamp()
      FROM unnest(%(owners)b::bigint[], %(nths)b::int[], %(runs)b::bigint[],
                  %(types)b::text[], %(datas)b::text[])
               AS e(conversation_id, nth, run_id, type, data)
      JOIN accepted a ON a.id = e.conversation_id
), changes AS (
    SELECT x.* FROM jsonb_to_recordset(%(changes)s::jsonb) AS x(
               conversation_id bigint, run_id bigint, first_token bool, status text,
               stop_reason text, usage jsonb, error_code text, error_message text,
               vendor_error text, retryable bool, answer_id bigint, blocks jsonb)
      JOIN accepted a ON a.id = x.conversation_id
), run_changed AS (
    UPDATE streams_run r
       SET first_token_at = CASE WHEN x.status = 'queued' THEN NULL
               WHEN x.first_token THEN coalesce(r.first_token_at, statement_timestamp())
               ELSE r.first_token_at END,
           status = coalesce(x.status, r.status),
           ended_at = CASE WHEN x.status <> 'queued' THEN statement_timestamp() END,
           worker_id = CASE WHEN x.status = 'queued' THEN NULL ELSE r.worker_id END,
           stop_reason = x.stop_reason, usage = x.usage, error_code = x.error_code,
           error_message = x.error_message, vendor_error = x.vendor_error,
           retryable = x.retryable
      FROM changes x WHERE r.id = x.run_id AND r.id = ANY(%(changing)b::bigint[])
), answered AS (
    UPDATE streams_message m SET blocks = x.blocks
      FROM changes x WHERE m.id = x.answer_id AND m.id = ANY(%(answers)b::bigint[])
       AND x.blocks IS NOT NULL
), told AS (
    INSERT INTO streams_delivery (run_id)
    SELECT run_id FROM changes WHERE status IN ('completed', 'failed', 'cancelled')
), heads AS (
    SELECT id || ':' || head AS pair, (row_number() OVER () - 1) / 180 AS page FROM accepted
)
SELECT b.conversation_id,
       CASE WHEN a.id IS NOT NULL THEN 'ok'
            WHEN h.id IS NULL AND EXISTS (
                 SELECT FROM streams_conversation c
                  WHERE c.id = b.conversation_id AND c.id = ANY(%(conversations)b::bigint[]))
            THEN 'busy' ELSE 'refused' END,
       a.head,
       (SELECT count(pg_notify('streams_log', pairs))
          FROM (SELECT string_agg(pair, ' ') AS pairs FROM heads GROUP BY page) AS pages),
       (SELECT count(pg_notify('streams_feed', owner_id::text))
          FROM (SELECT DISTINCT owner_id FROM accepted WHERE listed) AS owners)
  FROM batch b
  LEFT JOIN held h ON h.id = b.conversation_id
  LEFT JOIN accepted a ON a.id = b.conversation_id
"""
# A pair is at most 39 bytes; 180 of them stay below NOTIFY's 8000.


async def append(to: AsyncConnection, batch: Sequence[Append]) -> list[Outcome]:
    """Appends events for many conversations; `batch` holds each conversation at most once."""
    if not batch:
        return []
    cursor = await to.execute(APPEND, arrays(batch))
    return [Outcome(*row[:3]) for row in await cursor.fetchall()]


# For one conversation whose row the transaction holds already: Django's connection prepares
# nothing, and planning the statement above takes a millisecond.
APPEND_LOCKED = """
WITH accepted AS (
    UPDATE streams_conversation
       SET last_seq = last_seq + %(count)s,
           updated_at = CASE WHEN %(queued)s THEN statement_timestamp() ELSE updated_at END
     WHERE id = %(conversation)s
    RETURNING id, owner_id, last_seq - %(count)s AS base, last_seq AS head
), written AS (
    INSERT INTO streams_event (conversation_id, seq, run_id, type, data, created_at)
    SELECT a.id, a.base + e.nth, e.run_id, e.type, e.data::jsonb, statement_timestamp()
      FROM accepted a, unnest(%(runs)s::bigint[], %(types)s::text[], %(datas)s::text[])
                       WITH ORDINALITY AS e(run_id, type, data, nth)
), told AS (
    INSERT INTO streams_delivery (run_id)
    SELECT e.run_id FROM unnest(%(runs)s::bigint[], %(types)s::text[]) AS e(run_id, type)
     WHERE e.type IN ('run.completed', 'run.failed', 'run.cancelled')
)
SELECT head, pg_notify('streams_log', id || ':' || head),
       pg_notify('streams_feed', owner_id::text),
       CASE WHEN %(queued)s THEN pg_notify('streams_work', 'queued') END
  FROM accepted
"""


def append_locked(conversation_id: int, events: Sequence[NewEvent]) -> int:
    """Appends inside Django's transaction, which must hold the conversation's row; returns the new
    head.

    A `run.queued` event also wakes the workers and moves its conversation to the top of the list.
    """
    columns = list(zip(*((e.run_id, e.type, e.json) for e in events), strict=True))
    runs, types, datas = map(list, columns or ([], [], []))
    known: dict[str, Any] = {"conversation": conversation_id, "count": len(events), "runs": runs}
    known |= {"types": types, "datas": datas, "queued": "run.queued" in types}
    with connection().cursor() as cursor:
        cursor.execute(APPEND_LOCKED, known)
        return int(cursor.fetchone()[0])


def arrays(batch: Sequence[Append]) -> dict[str, Any]:
    """Builds the statement's parameters as one array per column, which costs less than one per
    row.
    """
    numbered = [(a.conversation_id, n, e) for a in batch for n, e in enumerate(a.events, 1)]
    changes = [a.change for a in batch if a.change]
    return {
        "conversations": [a.conversation_id for a in batch],
        "tokens": [a.token for a in batch],
        "counts": [len(a.events) for a in batch],
        "releases": [a.releases for a in batch],
        "listed": [a.listed for a in batch],
        "owners": [owner for owner, _, _ in numbered],
        "nths": [nth for _, nth, _ in numbered],
        "runs": [event.run_id for _, _, event in numbered],
        "types": [event.type for _, _, event in numbered],
        "datas": [event.json for _, _, event in numbered],
        "changing": [change.run_id for change in changes],
        "answers": [change.answer_id for change in changes],
        "changes": dumps([changed(a, a.change) for a in batch if a.change]),
    }


def changed(a: Append, change: RunChange) -> dict[str, Any]:
    return {
        "conversation_id": a.conversation_id,
        **{name: getattr(change, name) for name in RunChange.__slots__},
    }
