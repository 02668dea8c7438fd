"""Compares logs with the tables beside them and reports what does not fit.

Each check is a single statement, so a run that is appending is never reported. Repairs check again
while they hold the conversation's lock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from psycopg import AsyncConnection

from streams.postgres.connections import blames_rows

AT_ONCE = 200
TERMINAL = "('run.completed', 'run.failed', 'run.cancelled')"
OPEN = "('queued', 'running', 'waiting')"


class Finding(NamedTuple):
    """One fault of a conversation: the numbers from `first` to `last`, or the id of a run."""

    conversation_id: int
    what: str
    first: int = 0
    last: int = 0

    def __str__(self) -> str:
        return SENTENCES[self.what].format(self)


SENTENCES = {
    "behind": "its counter stands at {0.first}, its log and messages at {0.last}",
    "gap": "the numbers {0.first} to {0.last} are missing",
    "no end": "run {0.first} has ended, and its log does not say so",
    "ended": "run {0.first} is open, and its log says that it has ended",
    "active": "run {0.first} is taken for the running one; that is run {0.last}",
    "orphan": "{0.last} events, and no conversation",
    "set aside": "it was set aside",
    "unreadable": "it cannot be read",
}

BEHIND = """
SELECT c.id, 'behind', c.last_seq, top.seq FROM streams_conversation c
 CROSS JOIN LATERAL (
       SELECT greatest((SELECT max(seq) FROM streams_event e WHERE e.conversation_id = c.id),
                       (SELECT max(seq) FROM streams_message m WHERE m.conversation_id = c.id))
  ) AS top(seq)
 WHERE c.id = ANY(%(ids)s) AND top.seq > c.last_seq
"""

# A hole is no gap where a later row says by `from` that it covers it. The counter is the end.
GAPS = """
WITH rows AS (
    SELECT e.conversation_id, e.seq, coalesce((e.data->>'from')::bigint, e.seq) AS begins
      FROM streams_event e WHERE e.conversation_id = ANY(%(ids)s)
     UNION ALL
    SELECT c.id, c.last_seq + 1, c.last_seq + 1
      FROM streams_conversation c WHERE c.id = ANY(%(ids)s)
), covered AS (
    SELECT conversation_id, coalesce(lag(seq) OVER up, 0) AS before,
           min(begins) OVER (PARTITION BY conversation_id ORDER BY seq DESC) AS begins
      FROM rows WINDOW up AS (PARTITION BY conversation_id ORDER BY seq)
)
SELECT conversation_id, 'gap', before + 1, begins - 1 FROM covered WHERE begins > before + 1
 ORDER BY 1, 3
"""

# Where the log does not know the run at all, a gap tells, and an end would be an end of nothing.
ENDS = f"""
SELECT r.conversation_id,
       CASE WHEN r.status IN {OPEN} THEN 'ended' ELSE 'no end' END, r.id, 0
  FROM streams_run r JOIN streams_message answer ON answer.id = r.answer_id
 WHERE r.conversation_id = ANY(%(ids)s) AND r.status <> 'steered'
   AND (r.status IN {OPEN}) = EXISTS (
       SELECT FROM streams_event e WHERE e.conversation_id = r.conversation_id
          AND e.run_id = r.id AND e.type IN {TERMINAL})
   AND EXISTS (SELECT FROM streams_event e WHERE e.conversation_id = r.conversation_id
          AND e.seq = answer.seq AND e.run_id = r.id)
"""

ACTIVE = """
SELECT c.id, 'active', coalesce(c.active_run_id, 0), coalesce(r.id, 0)
  FROM streams_conversation c
  LEFT JOIN streams_run r ON r.conversation_id = c.id AND r.status = 'running'
 WHERE c.id = ANY(%(ids)s) AND c.active_run_id IS DISTINCT FROM r.id
"""

SET_ASIDE = """
SELECT DISTINCT conversation_id, 'set aside' FROM streams_fault WHERE conversation_id = ANY(%(ids)s)
"""

ORPHANS = """
WITH RECURSIVE known AS (
    SELECT min(e.conversation_id) AS id FROM streams_event e
     UNION ALL
    SELECT (SELECT min(conversation_id) FROM streams_event e WHERE e.conversation_id > known.id)
      FROM known WHERE known.id IS NOT NULL
)
SELECT id, 'orphan', 0,
       (SELECT count(*) FROM streams_event e WHERE e.conversation_id = known.id)
  FROM known
 WHERE id IS NOT NULL AND NOT EXISTS (SELECT FROM streams_conversation c WHERE c.id = known.id)
"""


async def check(connection: AsyncConnection, ids: Sequence[int]) -> list[Finding]:
    """Returns the faults of these conversations."""
    found: list[Finding] = []
    for query in (BEHIND, GAPS, ENDS, ACTIVE, SET_ASIDE):
        rows = await (await connection.execute(query, {"ids": list(ids)})).fetchall()
        found += [Finding(*row) for row in rows]
    return found


NEXT = "SELECT id FROM streams_conversation WHERE id > %s ORDER BY id LIMIT %s"


async def walk(connection: AsyncConnection) -> AsyncIterator[tuple[int, list[Finding]]]:
    """Walks through all conversations in batches; yields the batch's size and its faults."""
    last = 0
    while True:
        cursor = await connection.execute(NEXT, [last, AT_ONCE])
        ids = [pk for (pk,) in await cursor.fetchall()]
        if not ids:
            return
        yield len(ids), await check_each(connection, ids)
        last = ids[-1]


async def check_each(connection: AsyncConnection, ids: Sequence[int]) -> list[Finding]:
    """Like `check`, but a conversation that cannot be read becomes a finding and does not hide
    others.
    """
    try:
        return await check(connection, ids)
    except Exception as error:
        if not blames_rows(error):
            raise
    if len(ids) == 1:
        return [Finding(ids[0], "unreadable")]
    return [finding for pk in ids for finding in await check_each(connection, [pk])]


async def orphans(connection: AsyncConnection) -> list[Finding]:
    """Finds events whose conversation no longer exists."""
    return [Finding(*row) for row in await (await connection.execute(ORPHANS)).fetchall()]


async def drop_orphan(connection: AsyncConnection, conversation_id: int) -> None:
    await connection.execute(
        "DELETE FROM streams_event WHERE conversation_id = %(id)s"
        " AND NOT EXISTS (SELECT FROM streams_conversation WHERE id = %(id)s)",
        {"id": conversation_id},
    )
