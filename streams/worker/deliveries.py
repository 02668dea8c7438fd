"""Delivers `streams.signals` to a site's receivers, from a table.

A delivery is claimed for a minute and deleted once every receiver has returned. If the worker ends
in between, another finds it due again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

import psycopg
from django.db import connections
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ..api.chat import Chat
from ..api.run import Run
from ..conf import Settings
from ..models import Run as RunModel
from ..postgres.availability import described
from ..signals import run_ended

logger = logging.getLogger(__name__)

AT_ONCE = 20


class Due(NamedTuple):
    """A claimed delivery: its number, the run that ended, and how often it was attempted."""

    delivery: int
    run_id: int
    attempt: int


CLAIM = """
WITH due AS (
    SELECT id FROM streams_delivery WHERE due_at <= clock_timestamp()
     ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE streams_delivery d
   SET attempts = d.attempts + 1, due_at = clock_timestamp() + interval '1 minute'
  FROM due WHERE d.id = due.id
RETURNING d.id, d.run_id, d.attempts
"""

DELIVERED = "DELETE FROM streams_delivery WHERE id = %s"

# Seconds until the next try: 2, 4, 8, … at most an hour.
FAILED = """
UPDATE streams_delivery
   SET due_at = clock_timestamp() + make_interval(secs => least(3600, 2 ^ least(attempts, 12)))
 WHERE id = %s
"""

# Not what a worker is telling right now, as the first time after a long outage.
GIVE_UP = """
DELETE FROM streams_delivery
 WHERE created_at < clock_timestamp() - make_interval(secs => %s) AND attempts > 0
   AND due_at <= clock_timestamp()
RETURNING run_id
"""

# Not at once: a worker of the site's last release may be beside those that brought a receiver.
# But of what was deleted nothing stays.
NOBODY_LISTENS = """
DELETE FROM streams_delivery d
 WHERE due_at <= clock_timestamp() - interval '10 minutes'
    OR NOT EXISTS (SELECT FROM streams_run r WHERE r.id = d.run_id)
"""


class Deliveries:
    """Delivers what is due, when woken and every `conf.worker_rescan` seconds."""

    def __init__(self, pool: AsyncConnectionPool, conf: Settings) -> None:
        self.pool = pool
        self.conf = conf
        self._wake = asyncio.Event()

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Delivers for ever; waits while PostgreSQL is away."""
        thread = ThreadPoolExecutor(1, "streams-deliveries")
        try:
            while True:
                self._wake.clear()
                try:
                    while await self._tell_some(thread):
                        pass
                except psycopg.Error as error:
                    logger.warning("deliveries wait for PostgreSQL: %s", await described(error))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self.conf.worker_rescan)
        finally:
            thread.shutdown(wait=False, cancel_futures=True)

    async def _tell_some(self, thread: ThreadPoolExecutor) -> bool:
        """Delivers a batch, holding no connection meanwhile; tells whether there may be more."""
        async with self.pool.connection() as connection:
            claimed = await claim(connection, self.conf.deliveries_kept)
        for due in claimed:
            told = await asyncio.get_running_loop().run_in_executor(thread, tell, due)
            async with self.pool.connection() as connection:
                await settle(connection, due, told)
        return len(claimed) == AT_ONCE


async def claim(connection: AsyncConnection, kept: float) -> Sequence[Due]:
    """Claims due deliveries for a minute; gives up those that nobody took for `kept` seconds."""
    if not run_ended.has_listeners():
        await connection.execute(NOBODY_LISTENS)
        return []
    given_up = await connection.execute(GIVE_UP, [kept])
    for (run_id,) in await given_up.fetchall():
        logger.error("run %s: its end was told to no avail for %g s and is given up", run_id, kept)
    claimed = await connection.execute(CLAIM, [AT_ONCE])
    return [Due(*row) for row in await claimed.fetchall()]


def tell(due: Due) -> bool:
    """Calls the receivers; tells whether all returned. Django logs those that raised."""
    known = RunModel.objects.select_related("conversation", "prompt", "answer")
    try:
        run = known.filter(pk=due.run_id).first()
        if run is None:
            return True
        answers = run_ended.send_robust(
            Run,
            run=Run(run),
            chat=Chat(run.conversation),
            status=run.status,
            delivery=due.delivery,
            attempt=due.attempt,
        )
        return not any(isinstance(answer, Exception) for _, answer in answers)
    except (Exception, SystemExit):  # which would end each worker in turn
        logger.exception("run %s: its end could not be told", due.run_id)
        return False
    finally:
        for connection in connections.all(initialized_only=True):
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()


async def settle(connection: AsyncConnection, due: Due, told: bool) -> None:
    await connection.execute(DELIVERED if told else FAILED, [due.delivery])
