"""Keeping the database small for ever: what has ended is folded, what was deleted is purged.

Behind everything else and at its own slow pace; several workers may do it at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import psycopg
from psycopg import AsyncConnection

from . import log
from .conf import Streams
from .database import INDEXED, connect

logger = logging.getLogger(__name__)

PURGED_AT_ONCE = 50
REST = 9  # times as long as the step took: a tenth of one connection at most


async def tidy(conf: Streams) -> None:
    """The worker's part of it, for ever; PostgreSQL away is waited out."""
    while True:
        await asyncio.sleep(conf.retention_every)
        try:
            async with await connect("retention", **INDEXED) as connection:
                await once(connection, conf)
        except psycopg.Error as error:
            logger.warning("retention waits for PostgreSQL: %s", error)


async def once(connection: AsyncConnection, conf: Streams) -> None:
    """Everything that is due now."""
    async for _ in fold(connection, conf.fold_after, conf.fold_runs, rest=REST):
        pass
    while purged := await purge(connection, conf.purge_after):
        logger.info("purged %s conversations", purged)
    await forget(connection, conf.keep_workers)


async def fold(
    connection: AsyncConnection, grace: float, limit: int, rest: int = 0
) -> AsyncIterator[log.Folded]:
    """Step by step, resting `rest` times as long as each took; what each step did."""
    while True:
        began = time.monotonic()
        done = await log.fold_ended(connection, grace, limit)
        if not done.runs:
            return
        yield done
        await asyncio.sleep(rest * (time.monotonic() - began))


# A run still open has a writer, and waits: its own end comes first. A restore that was
# quicker has the row, and this one is judged again on what the restore made of it.
LOCK_DELETED = """
SELECT c.id FROM streams_conversation c
 WHERE c.deleted_at <= now() - make_interval(secs => %s) AND c.active_run_id IS NULL
   AND NOT EXISTS (SELECT FROM streams_run r
                    WHERE r.conversation_id = c.id AND r.status IN ('queued', 'running'))
 ORDER BY c.id LIMIT %s
   FOR UPDATE OF c SKIP LOCKED
"""

# Runs before events, as folding takes them.
BELOW = ("devicesession", "pairing", "run", "message")


async def purge(connection: AsyncConnection, grace: float) -> int:
    """Delete for good what was deleted `grace` seconds ago, whole; how many conversations."""
    async with connection.transaction():
        cursor = await connection.execute(LOCK_DELETED, [grace, PURGED_AT_ONCE])
        gone = [row[0] for row in await cursor.fetchall()]
        for name in BELOW if gone else ():
            await connection.execute(
                f"DELETE FROM streams_{name} WHERE conversation_id = ANY(%s)", [gone]
            )
        if gone:
            await log.drop_logs(connection, gone)
            await connection.execute("DELETE FROM streams_conversation WHERE id = ANY(%s)", [gone])
    return len(gone)


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

FORGET_SESSIONS = "DELETE FROM django_session WHERE expire_date < now()"
FORGET_ATTEMPTS = "DELETE FROM streams_attempts WHERE until < now()"
FORGET_PAIRINGS = "DELETE FROM streams_pairing WHERE expires_at < now() - interval '1 day'"


async def forget(connection: AsyncConnection, keep_workers: float) -> None:
    """Workers long gone, and what has run out: sessions, counts of attempts, pairings."""
    await connection.execute(FORGET_WORKERS, [keep_workers])
    await connection.execute(FORGET_SESSIONS)
    await connection.execute(FORGET_ATTEMPTS)
    await connection.execute(FORGET_PAIRINGS)
