"""Claims queued runs: one statement locks their conversations, a second starts what it then finds.

This is the way for any run. `claim_batches`, which a worker calls, has a shorter one for plain runs
and comes here for what it has to leave over.

Everyone locks the conversation, then the run. A claim is one transaction, so the run's new state
commits with the event that announces it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from psycopg import AsyncConnection

from .. import log
from . import quarantine
from .abandoned_runs import end
from .claimed_run import COLUMNS, Claimed, rows

# A stop may commit while the run's worker is handing it back: then nobody holds it to end it,
# also when its conversation was deleted.
# The row's own `active_run_id` says of a running one the same as `other`; but one row that is wrong
# about it must not make the whole claim fail on `one_running_run`, and so stop everyone's.
CLAIMABLE = """
r.status = 'queued' AND c.active_run_id IS NULL
   AND (c.deleted_at IS NULL OR r.cancel_requested_at IS NOT NULL)
   AND NOT EXISTS (SELECT FROM streams_run other
                    WHERE other.conversation_id = c.id
                      AND other.status IN ('running', 'waiting'))
"""

LOCK_QUEUED = quarantine.locking(
    f"""
SELECT c.id, {{failed_before}}
  FROM streams_run r JOIN streams_conversation c ON c.id = r.conversation_id
 WHERE {CLAIMABLE} AND {{due}}
 ORDER BY r.id LIMIT %(limit)s
   FOR NO KEY UPDATE OF c SKIP LOCKED
""",
    quarantine.Act.ANSWER,
)

STOPPED = f"""
SELECT {COLUMNS}, c.system, c.lease_token AS token, run.cancelled_by
  FROM streams_run run
  JOIN streams_conversation c ON c.id = run.conversation_id
  JOIN streams_message prompt ON prompt.id = run.prompt_id
 WHERE run.conversation_id = ANY(%(conversations)s)
   AND run.status = 'queued' AND run.cancel_requested_at IS NOT NULL
"""

# Of the conversations that are `held` the first queued run, and what its claim changes. A
# conversation in which one is to be ended is left for after that. One that has begun and was handed
# back, or waited, keeps its turn.
STARTED = f"""
next AS (
    SELECT DISTINCT ON (conversation_id) id FROM streams_run r
     WHERE conversation_id {{held}} AND status = 'queued'
       AND NOT EXISTS (SELECT FROM streams_run stopped
                        WHERE stopped.conversation_id = r.conversation_id
                          AND stopped.status = 'queued'
                          AND stopped.cancel_requested_at IS NOT NULL)
     ORDER BY conversation_id, attempt = 0, rank, id
), run AS (
    UPDATE streams_run r
       SET status = 'running', attempt = r.attempt + 1, worker_id = %(worker)s,
           started_at = clock_timestamp(), step = r.steps
      FROM next WHERE r.id = next.id
    RETURNING r.*
), numbered AS (
    UPDATE streams_conversation c
       SET lease_token = c.lease_token + 1, active_run_id = run.id, last_seq = c.last_seq + 1
      FROM run WHERE c.id = run.conversation_id
    RETURNING c.id, c.owner_id, c.last_seq AS seq, run.id AS run_id, 'run.started' AS type,
              jsonb_build_object('run', run.uuid, 'attempt', run.attempt)
              || CASE WHEN run.steps = 0 THEN '{{{{}}}}' ELSE jsonb_build_object(
                     'step', run.steps + 1, 'from_block', run.from_block) END AS data,
              c.lease_token, c.system, c.title <> '' AS titled
), {log.WRITTEN.strip()}
"""

SHOWN = f"""
{COLUMNS}, numbered.system, numbered.lease_token AS token, numbered.seq AS head, numbered.titled,
{log.TOLD}
"""

RUNS = """
run JOIN numbered ON numbered.id = run.conversation_id
    JOIN streams_message prompt ON prompt.id = run.prompt_id
"""

# A second statement, for its newer snapshot: the first may have waited behind a cancel.
START = f"""
WITH {STARTED.format(held="= ANY(%(conversations)s)")}
SELECT {SHOWN} FROM {RUNS}
"""


async def claim(connection: AsyncConnection, worker_id: int, limit: int) -> list[Claimed]:
    """Claims the oldest queued runs of conversations in which none is running; at most `limit`.

    A run that was asked to stop while it was handed back is ended here.
    """
    start = partial(start_locked, connection, worker_id)
    known = {"limit": limit}
    return await quarantine.together_or_apart(
        connection, quarantine.Act.ANSWER, LOCK_QUEUED, known, start
    )


async def start_locked(
    connection: AsyncConnection, worker_id: int, locked: Sequence[quarantine.Row]
) -> list[Claimed]:
    ids = list({row["id"] for row in locked})
    started = await start(connection, worker_id, ids)
    if rest := list(set(ids) - {run.conversation_id for run in started}):
        for row in await rows(connection, STOPPED, {"conversations": rest}):
            await end(connection, Claimed.read(row), None, row["cancelled_by"])
        started += await start(connection, worker_id, rest)
    return started


async def start(
    connection: AsyncConnection, worker_id: int, conversation_ids: Sequence[int]
) -> list[Claimed]:
    """Starts the first queued run of each conversation, and appends its run.started."""
    known = {"conversations": list(conversation_ids), "worker": worker_id}
    return [Claimed.read(row) for row in await rows(connection, START, known)]


async def announce(connection: AsyncConnection, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Appends run.started for each run that was taken over, in the same transaction."""
    outcomes = await log.append(
        connection,
        [
            log.Append(run.conversation_id, [run.event("run.started", **run.start)])
            for run in claimed
        ],
    )
    heads = {outcome.conversation_id: outcome.head for outcome in outcomes}
    return [replace(run, head=heads[run.conversation_id] or 0) for run in claimed]


WAITING = f"""
SELECT EXISTS (SELECT FROM streams_run r JOIN streams_conversation c ON c.id = r.conversation_id
                WHERE {CLAIMABLE} AND {quarantine.DUE.format(act=quarantine.Act.ANSWER)})
"""


async def is_waiting(connection: AsyncConnection) -> bool:
    """Tells whether a run could start now; right after a claim, whether a locked one was
    skipped.
    """
    cursor = await connection.execute(WAITING)
    row = await cursor.fetchone()
    return bool(row and row[0])
