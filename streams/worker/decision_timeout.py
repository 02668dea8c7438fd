"""Gives up runs that have waited for people for too long."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import AsyncConnection

from ..providers.base import Code
from . import quarantine
from .abandoned_runs import end
from .claimed_run import COLUMNS, Claimed, rows

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
WAITING = f"""
SELECT {COLUMNS}, c.system, c.lease_token AS token
  FROM streams_run run
  JOIN streams_conversation c ON c.id = run.conversation_id
  JOIN streams_message prompt ON prompt.id = run.prompt_id
 WHERE run.conversation_id = ANY(%(conversations)s) AND run.status = 'waiting'
"""


async def give_up(connection: AsyncConnection, kept: float) -> int:
    """Fails runs that have waited for `kept` seconds, with their calls; returns how many."""

    async def give_up_locked(locked: Sequence[quarantine.Row]) -> list[int]:
        ids = [row["id"] for row in locked]
        waiting = await rows(connection, WAITING, {"conversations": ids})
        runs = [Claimed.read(row) for row in waiting]
        for run in runs:
            await end(connection, run, Code.UNDECIDED)
        return [run.run_id for run in runs]

    known = {"kept": kept, "limit": AT_ONCE}
    act = quarantine.Act.ANSWER
    found = await quarantine.together_or_apart(connection, act, LOCK_WAITING, known, give_up_locked)
    return len(found)
