"""Delivers news of runs that ended or wait, from a table: first to `streams.signals`, then to
webhooks and people's devices.

A delivery is claimed for a minute, anew while it is told, and deleted once all have been. If the
worker ends in between, another finds it due again; who was told by then is kept with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import NamedTuple

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ...conf import Settings, conf
from ...postgres.availability import described
from ...signals import run_ended, run_waiting
from .notifier import Notifier, open_notifier
from .signal_receivers import ReceiverCalls

logger = logging.getLogger(__name__)

AT_ONCE = 20
RECEIVERS_WITHIN = 55.0  # seconds for which receivers hold up the next delivery
KEPT_EVERY = 20.0  # seconds after which a claim is renewed
OUTSIDE_AT_ONCE = 100  # deliveries whose webhooks and devices are being told
RECEIVERS = "receivers"  # as `done` names those of the signals


class Due(NamedTuple):
    """A claimed delivery: its number, the run that ended or waits, how often it was attempted, what
    the run became, and who has been told."""

    delivery: int
    run_id: int
    attempt: int
    status: str = ""
    done: Sequence[str] = ()


CLAIM = """
WITH due AS (
    SELECT id FROM streams_delivery WHERE due_at <= clock_timestamp()
     ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE streams_delivery d
   SET attempts = d.attempts + 1, due_at = clock_timestamp() + interval '1 minute'
  FROM due WHERE d.id = due.id
RETURNING d.id, d.run_id, d.attempts, d.status, d.done
"""

RENEW = """
UPDATE streams_delivery SET due_at = clock_timestamp() + interval '1 minute'
 WHERE id = %(delivery)s AND attempts = %(attempt)s
RETURNING done
"""

NOTE = """
UPDATE streams_delivery SET done = %(done)s
 WHERE id = %(delivery)s AND attempts = %(attempt)s
RETURNING id
"""

DELIVERED = "DELETE FROM streams_delivery WHERE id = %(delivery)s"

LONGEST_PAUSE = 3600.0  # seconds until the next try: 2, 4, 8, … at most so many
FAILED = f"""
UPDATE streams_delivery
   SET due_at = clock_timestamp()
              + make_interval(secs => least({LONGEST_PAUSE}, 2 ^ least(attempts, 12))),
       done = %(done)s
 WHERE id = %(delivery)s
"""

# Not what a worker is telling right now, as the first time after a long outage.
GIVE_UP = """
DELETE FROM streams_delivery
 WHERE created_at < clock_timestamp() - make_interval(secs => %s) AND attempts > 0
   AND due_at <= clock_timestamp()
RETURNING run_id
"""

# Not at once: a worker of the site's last release may be beside those that brought a receiver.
# But of what was deleted nothing stays. It looks at the whole table, so not after each answer.
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
        self._calls = ReceiverCalls()

    def wake(self) -> None:
        if has_anybody():
            self._wake.set()

    async def run(self) -> None:
        """Delivers for ever; waits while PostgreSQL is away."""
        room = asyncio.Semaphore(OUTSIDE_AT_ONCE)
        notifier = open_notifier(self.pool, self.conf)
        async with notifier as others, asyncio.TaskGroup() as telling:
            while True:
                self._wake.clear()
                try:
                    while claimed := await self._claimed():
                        for due in claimed:
                            await room.acquire()
                            heard = asyncio.Event()
                            told = telling.create_task(self._deliver(others, due, heard))
                            told.add_done_callback(lambda _: room.release())
                            await heard.wait()
                        if len(claimed) < AT_ONCE:
                            break
                except psycopg.Error as error:
                    logger.warning("deliveries wait for PostgreSQL: %s", await described(error))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self.conf.worker_rescan)

    async def _claimed(self) -> Sequence[Due]:
        async with self.pool.connection() as connection:
            return await claim(connection, self.conf.deliveries_kept)

    async def _deliver(self, others: Notifier, due: Due, heard: asyncio.Event) -> None:
        """Tells of one delivery, whose claim is kept meanwhile, and settles it. Sets `heard` once
        the next may be told: others outside, and receivers that are slow, hold it up no longer.
        """
        try:
            done = await self._renewed(due)  # others of its batch took their time
            if done is None:
                return
            keeping = asyncio.create_task(self._keep(due))
            try:
                call = None if RECEIVERS in done else self._calls.of(due)
                if call and call in (await asyncio.wait({call}, timeout=RECEIVERS_WITHIN))[1]:
                    logger.error("run %s: a receiver of its signal does not return", due.run_id)
                heard.set()
                await self._tell(others, due, done, call)
            finally:
                keeping.cancel()
        except psycopg.Error as error:  # it is due again in a minute
            logger.warning("delivery %s: not settled: %s", due.delivery, error)
        except Exception:
            logger.exception("delivery %s could not be told", due.delivery)
        finally:
            heard.set()

    async def _tell(
        self, others: Notifier, due: Due, done: set[str], call: asyncio.Task[bool] | None
    ) -> None:
        """Tells the others at the same time, holding no connection, waits for the call of the
        receivers, however long that takes, and settles the delivery. Meanwhile those who could not
        be told are tried again, and who was told is noted: this worker may end before the call.
        """
        done, complete, pause = {*done}, not others, 1.0
        while True:
            if not complete:
                names, complete = await others.tell(due.delivery, done)
                done |= names
            if call is None or call.done():
                break
            async with self.pool.connection() as connection:
                if not await noted(connection, due, done):
                    return  # it is another worker's
            pause = min(2 * pause, LONGEST_PAUSE)
            await asyncio.wait({call}, timeout=None if complete else pause)
            if call.done():
                break
        if call and call.result():
            done.add(RECEIVERS)
        async with self.pool.connection() as connection:
            await settle(connection, due, complete and RECEIVERS in done, done)

    async def _keep(self, due: Due) -> None:
        """Keeps the claim, at most as long as anybody is told: then another worker gives it up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.conf.deliveries_kept):
                while True:
                    await asyncio.sleep(KEPT_EVERY)
                    with suppress(psycopg.Error):
                        await self._renewed(due)

    async def _renewed(self, due: Due) -> set[str] | None:
        async with self.pool.connection() as connection:
            return await renewed(connection, due)


def has_anybody() -> bool:
    """Tells whether anybody is to be told of anything."""
    listening = run_ended.has_listeners() or run_waiting.has_listeners()
    return bool(listening or conf().webhooks or conf().push)


async def claim(connection: AsyncConnection, kept: float) -> Sequence[Due]:
    """Claims due deliveries for a minute; gives up those that nobody took for `kept` seconds."""
    if not has_anybody():
        await connection.execute(NOBODY_LISTENS)
        return []
    given_up = await connection.execute(GIVE_UP, [kept])
    for (run_id,) in await given_up.fetchall():
        logger.error("run %s: told of to no avail for %g s, and is given up", run_id, kept)
    claimed = await connection.execute(CLAIM, [AT_ONCE])
    return [Due(*row) for row in await claimed.fetchall()]


async def renewed(connection: AsyncConnection, due: Due) -> set[str] | None:
    """Claims a delivery for another minute; returns who has been told, or None if meanwhile it is
    another worker's.
    """
    known = {"delivery": due.delivery, "attempt": due.attempt}
    row = await (await connection.execute(RENEW, known)).fetchone()
    return None if row is None else {*row[0]}


async def noted(connection: AsyncConnection, due: Due, done: Collection[str]) -> bool:
    """Keeps who has been told; tells whether the delivery is still claimed by this attempt."""
    known = {"delivery": due.delivery, "attempt": due.attempt, "done": sorted(done)}
    return await (await connection.execute(NOTE, known)).fetchone() is not None


async def settle(
    connection: AsyncConnection, due: Due, told: bool, done: Collection[str] = ()
) -> None:
    """Deletes a delivery of which all have been told; else it is due again, and `done` is kept."""
    known = {"delivery": due.delivery, "done": sorted(done)}
    await connection.execute(DELIVERED if told else FAILED, known)
