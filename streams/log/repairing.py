"""Repairs a log without changing any event in it, since a client may have read each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from psycopg import AsyncConnection

from streams.log.transcript import blocks_of

from .appending import Append, NewEvent, append
from .checking import Finding, check
from .encoding import dumps
from .reading import run_rows_from

ROUNDS = 2  # a counter that was raised shows gaps, and a run that was ended is no longer active

RAISE_COUNTER = """
UPDATE streams_conversation SET last_seq = greatest(last_seq, %(last)s) WHERE id = %(id)s
"""

# One row stands for all the numbers that are lost, as a compacted delta does for those it covers.
FILL_GAP = """
INSERT INTO streams_event (conversation_id, seq, run_id, type, data)
VALUES (%(id)s, %(last)s, NULL, 'conversation.updated',
        jsonb_build_object('from', %(first)s::bigint, 'lost', %(last)s - %(first)s + 1))
"""

# The holder of a run that is running keeps its token; a lease of no run is nobody's.
SET_ACTIVE = """
UPDATE streams_conversation
   SET active_run_id = nullif(%(last)s, 0), lease_token = lease_token + (%(last)s = 0)::int
 WHERE id = %(id)s
"""

# The log is what people saw: the run becomes what it says.
END_RUN = """
WITH said AS (
    SELECT type, data, created_at FROM streams_event
     WHERE conversation_id = %(id)s AND run_id = %(first)s
       AND type IN ('run.completed', 'run.failed', 'run.cancelled')
), released AS (
    UPDATE streams_conversation SET active_run_id = NULL, lease_token = lease_token + 1
     WHERE id = %(id)s AND active_run_id = %(first)s
)
UPDATE streams_run r
   SET status = substr(said.type, 5), ended_at = said.created_at,
       stop_reason = coalesce(said.data->>'stop_reason', ''),
       usage = coalesce(said.data->'usage', '{}'),
       error_code = coalesce(said.data->>'code', ''),
       error_message = coalesce(said.data->>'message', ''),
       retryable = coalesce((said.data->>'retryable')::bool, false)
  FROM said WHERE r.id = %(first)s
RETURNING r.answer_id
"""

ENDED_RUN = """
SELECT uuid::text, status, stop_reason, usage, error_code, error_message, retryable, cancelled_by
  FROM streams_run WHERE id = %s
"""


async def mend(connection: AsyncConnection, conversation_id: int) -> list[Finding]:
    """Repairs one conversation while holding its lock; returns the faults that remain."""
    async with connection.transaction():
        await connection.execute(
            "SELECT FROM streams_conversation WHERE id = %s FOR NO KEY UPDATE", [conversation_id]
        )
        for _ in range(ROUNDS):
            for finding in await check(connection, [conversation_id]):
                await MEND[finding.what](connection, finding)
        left = await check(connection, [conversation_id])
        await connection.execute(
            "SELECT pg_notify('streams_work', 'queued'), pg_notify('streams_log', id || ':' ||"
            " last_seq) FROM streams_conversation WHERE id = %s",
            [conversation_id],
        )
    return left


Mending = Callable[[AsyncConnection, Finding], Awaitable[None]]


def by(query: str) -> Mending:
    async def do(connection: AsyncConnection, finding: Finding) -> None:
        known = {"id": finding.conversation_id, "first": finding.first, "last": finding.last}
        await connection.execute(query, known)

    return do


async def end_run(connection: AsyncConnection, finding: Finding) -> None:
    known = {"id": finding.conversation_id, "first": finding.first}
    row = await (await connection.execute(END_RUN, known)).fetchone()
    shown = await run_rows_from(connection, finding.conversation_id, finding.first)
    if row:
        await connection.execute(
            "UPDATE streams_message SET blocks = %s::jsonb WHERE id = %s",
            [dumps(blocks_of(shown)), row[0]],
        )


async def say_end(connection: AsyncConnection, finding: Finding) -> None:
    row = await (await connection.execute(ENDED_RUN, [finding.first])).fetchone()
    assert row is not None
    uuid, status, stop_reason, usage, code, message, retryable, device = row
    data = {
        "completed": {"stop_reason": stop_reason, "usage": usage},
        "failed": {"code": code, "message": message, "retryable": retryable},
        "cancelled": {"device": device} if device else {},
    }[status]
    event = NewEvent(f"run.{status}", {"run": uuid, **data}, run_id=finding.first)
    await append(connection, [Append(finding.conversation_id, [event])])


MEND: dict[str, Mending] = {
    "behind": by(RAISE_COUNTER),
    "gap": by(FILL_GAP),
    "no end": say_end,
    "ended": end_run,
    "active": by(SET_ACTIVE),
    "set aside": by("DELETE FROM streams_fault WHERE conversation_id = %(id)s"),
}
