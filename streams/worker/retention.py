"""Keeps the database small: compacts what has ended, has `purging` erase what was deleted, and
forgets what has run out.

It runs slowly in the background; several workers may do it at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence

import psycopg
from psycopg import AsyncConnection

from .. import log
from ..conf import Settings
from ..postgres.connections import INDEXED, connect
from ..user_model import exists
from . import decision_timeout, purging, quarantine, stored_files

logger = logging.getLogger(__name__)

REST = 9  # times as long as the step took: a tenth of one connection at most


async def tidy(conf: Settings) -> None:
    """Runs retention for ever; waits while PostgreSQL is away."""
    while True:
        await asyncio.sleep(conf.retention_every)
        try:
            async with await connect("retention", **INDEXED) as connection:
                await once(connection, conf)
        except psycopg.Error as error:
            logger.warning("retention waits for PostgreSQL: %s", error)


async def once(connection: AsyncConnection, conf: Settings) -> None:
    """Does everything that is due now."""
    async for _ in compact(connection, conf.compact_after, conf.compact_runs, rest=REST):
        pass
    while (await compact_steps(connection, conf.compact_after, 1)).runs:
        pass  # one by one: a writer that ends a step waits for its run's row
    while given_up := await decision_timeout.give_up(connection, conf.waiting_kept):
        logger.info("gave up %s runs that nobody decided about", given_up)
    while purged := await purging.purge(connection, conf.purge_after):
        logger.info("purged %s conversations", purged)
    if deleted := await stored_files.tidy(connection, conf.attachments_unsent_kept):
        logger.info("deleted %s stored files", deleted)
    while await merge_usage(connection):
        pass
    await forget(connection, conf.keep_workers)


# A row for each answer becomes one for each person, month and model; sums stay as they are at any
# moment. What was merged before and is held by another worker is left for the next time, and what
# a person left who was deleted meanwhile goes.
MERGE_USAGE = """
WITH fresh AS (
    SELECT id, owner_id, month, model FROM streams_usage WHERE NOT merged
     ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), before AS (
    SELECT u.id FROM streams_usage u
     WHERE u.merged AND EXISTS (
           SELECT FROM fresh WHERE fresh.owner_id = u.owner_id AND fresh.month = u.month
              AND fresh.model = u.model)
       FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM streams_usage
     WHERE id IN (SELECT id FROM fresh UNION ALL SELECT id FROM before)
    RETURNING *
), kept AS (
    INSERT INTO streams_usage
           (owner_id, month, model, answers, requests, input_tokens, output_tokens, cached_tokens,
            estimated_answers, merged)
    SELECT owner_id, month, model, sum(answers), sum(coalesce(requests, answers)),
           sum(input_tokens), sum(output_tokens), sum(cached_tokens), sum(estimated_answers), true
      FROM gone WHERE {is_there} GROUP BY owner_id, month, model
)
SELECT count(*) FROM fresh
"""
MERGED_AT_ONCE = 2000


async def merge_usage(connection: AsyncConnection, limit: int = MERGED_AT_ONCE) -> bool:
    """Merges what answers took; tells whether there may be more."""
    query = MERGE_USAGE.format(is_there=exists("owner_id"))
    cursor = await connection.execute(query, {"limit": limit})
    row = await cursor.fetchone()
    return bool(row and row[0] == limit)


async def compact(
    connection: AsyncConnection, grace: float, limit: int, rest: int = 0
) -> AsyncIterator[log.Compacted]:
    """Step by step, resting `rest` times as long as each took; what each step did."""
    while True:
        began = time.monotonic()
        done = await compact_ended(connection, grace, limit)
        if not done.runs:
            return
        yield done
        await asyncio.sleep(rest * (time.monotonic() - began))


LOCK_ENDED = quarantine.locking(
    """
SELECT c.id, {failed_before}, r.id AS run_id
  FROM streams_run r JOIN streams_conversation c ON c.id = r.conversation_id
 WHERE r.folded_at IS NULL
   AND r.ended_at <= statement_timestamp() - make_interval(secs => %(grace)s) AND {due}
 ORDER BY r.ended_at LIMIT %(limit)s
   FOR NO KEY UPDATE OF r SKIP LOCKED
""",
    quarantine.Act.COMPACTION,
)


# Steps that have ended are stored in the answer's message, and nothing before them is discarded.
LOCK_OPEN = quarantine.locking(
    """
SELECT c.id, {failed_before}, r.id AS run_id
  FROM streams_run r JOIN streams_conversation c ON c.id = r.conversation_id
 WHERE r.status IN ('running', 'waiting') AND r.steps > r.compacted_steps
   AND EXISTS (SELECT FROM streams_step s
                WHERE s.run_id = r.id AND s.number > r.compacted_steps
                  AND s.ended_at <= statement_timestamp() - make_interval(secs => %(grace)s))
   AND {due}
 ORDER BY r.id LIMIT %(limit)s
   FOR NO KEY UPDATE OF r SKIP LOCKED
""",
    quarantine.Act.COMPACTION,
)


async def compact_ended(connection: AsyncConnection, grace: float, limit: int) -> log.Compacted:
    """Compact at most `limit` runs that ended `grace` seconds ago, the oldest first."""
    return await compact_found(connection, LOCK_ENDED, grace, limit)


async def compact_steps(connection: AsyncConnection, grace: float, limit: int) -> log.Compacted:
    """Compact ended steps of at most `limit` runs that go on."""
    return await compact_found(connection, LOCK_OPEN, grace, limit)


async def compact_found(
    connection: AsyncConnection, lock: str, grace: float, limit: int
) -> log.Compacted:
    async def compact_locked(rows: Sequence[quarantine.Row]) -> list[log.Compacted]:
        return [await log.compact(connection, [row["run_id"] for row in rows])]

    known = {"grace": grace, "limit": limit}
    act = quarantine.Act.COMPACTION
    steps = await quarantine.together_or_apart(connection, act, lock, known, compact_locked)
    return log.Compacted(sum(step.runs for step in steps), sum(step.rows for step in steps))


FORGET_WORKERS = """
WITH old AS (
    SELECT w.id FROM streams_worker w
     WHERE coalesce(w.stopped_at, w.beat_at) < now() - make_interval(secs => %s)
       AND NOT EXISTS (SELECT FROM streams_run r WHERE r.worker_id = w.id AND r.status = 'running')
       FOR UPDATE SKIP LOCKED
), released AS (
    UPDATE streams_run r SET worker_id = NULL FROM old WHERE r.worker_id = old.id
)
DELETE FROM streams_worker w USING old WHERE w.id = old.id
"""

FORGET_ATTEMPTS = "DELETE FROM streams_attempts WHERE until < now()"
FORGET_PAIRINGS = "DELETE FROM streams_pairing WHERE expires_at < now() - interval '1 day'"

# What still fails is tried every five minutes; and of a title, that it is there is all.
FORGET_FAULTS = """
DELETE FROM streams_fault f USING streams_conversation c
 WHERE c.id = f.conversation_id
   AND (f.last_at < now() - interval '1 day' OR f.act = 'title' AND c.title <> '')
"""


async def forget(connection: AsyncConnection, keep_workers: float) -> None:
    """Deletes rows of workers long gone, and expired attempts, pairings and faults."""
    await connection.execute(FORGET_WORKERS, [keep_workers])
    await connection.execute(FORGET_ATTEMPTS)
    await connection.execute(FORGET_PAIRINGS)
    await connection.execute(FORGET_FAULTS)
