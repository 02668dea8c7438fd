"""Gives up runs that have waited for people for too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection

from ..providers.base import Code
from . import quarantine
from .claim import Claimed, end

AT_ONCE = 50

LOCK_WAITING = quarantine.locking(
    """
SELECT c.id, {failed_before} FROM streams_run r JOIN streams_conversation c
    ON c.id = r.conversation_id
 WHERE r.status = 'waiting'
   AND r.waiting_since <= statement_timestamp() - make_interval(secs => %(kept)s) AND {due}
 ORDER BY r.waiting_since LIMIT %(limit)s
   FOR NO KEY UPDATE OF c SKIP LOCKED
""",
    quarantine.Act.ANSWER,
)

# A second statement, for its newer snapshot: the first may have waited behind a decision.
WAITING = """
SELECT r.id, r.uuid::text, r.conversation_id, r.answer_id, prompt.seq, r.model, r.attempt,
       r.steps, r.from_block, c.system, c.lease_token
  FROM streams_run r
  JOIN streams_conversation c ON c.id = r.conversation_id
  JOIN streams_message prompt ON prompt.id = r.prompt_id
 WHERE r.conversation_id = ANY(%(conversations)s) AND r.status = 'waiting'
"""


async def give_up(connection: AsyncConnection, kept: float) -> int:
    """Fails runs that have waited for `kept` seconds, with their calls; returns how many."""

    async def give_up_locked(rows: Sequence[tuple[Any, ...]]) -> list[int]:
        ids = [row[0] for row in rows]
        waiting = await connection.execute(WAITING, {"conversations": ids})
        runs = [Claimed(*row) for row in await waiting.fetchall()]
        for run in runs:
            await end(connection, run, Code.UNDECIDED)
        return [run.run_id for run in runs]

    known = {"kept": kept, "limit": AT_ONCE}
    act = quarantine.Act.ANSWER
    found = await quarantine.together_or_apart(connection, act, LOCK_WAITING, known, give_up_locked)
    return len(found)
