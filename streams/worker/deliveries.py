"""Tells of runs that ended or wait, from a table: first `streams.signals`, then whoever is outside.

A delivery is claimed for a minute and deleted once all have been told. If the worker ends in
between, another finds it due again; who was told by then is kept with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ..agents.tool_threads import apart_at_once
from ..api.chat import Chat
from ..api.run import Run
from ..conf import Settings, conf
from ..models import Run as RunModel
from ..postgres.availability import described
from ..signals import run_ended, run_waiting
from .notifier import Notifier, open_notifier

logger = logging.getLogger(__name__)

AT_ONCE = 20
RECEIVERS_WITHIN = 55.0  # seconds; then the delivery is due again, and its claim is over
OUTSIDE_AT_ONCE = 100  # deliveries whose webhooks and devices are being told
WAITING = RunModel.Status.WAITING
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

DELIVERED = "DELETE FROM streams_delivery WHERE id = %(delivery)s"

# Seconds until the next try: 2, 4, 8, … at most an hour.
FAILED = """
UPDATE streams_delivery
   SET due_at = clock_timestamp() + make_interval(secs => least(3600, 2 ^ least(attempts, 12))),
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
                            done = await self._told_here(due)
                            await room.acquire()
                            told = telling.create_task(self._tell_outside(others, due, done))
                            told.add_done_callback(lambda _: room.release())
                        if len(claimed) < AT_ONCE:
                            break
                except psycopg.Error as error:
                    logger.warning("deliveries wait for PostgreSQL: %s", await described(error))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self.conf.worker_rescan)

    async def _claimed(self) -> Sequence[Due]:
        async with self.pool.connection() as connection:
            return await claim(connection, self.conf.deliveries_kept)

    async def _told_here(self, due: Due) -> set[str]:
        """Returns who has been told, once receivers of this program have been, or failed. One that
        does not return holds up neither the others nor the worker's exit.
        """
        done = {*due.done}
        if RECEIVERS in done:
            return done
        try:
            async with asyncio.timeout(RECEIVERS_WITHIN):
                told = await apart_at_once(partial(tell, due))
        except TimeoutError:
            logger.error("run %s: a receiver of its signal does not return", due.run_id)
            return done
        return done | {RECEIVERS} if told else done

    async def _tell_outside(self, others: Notifier, due: Due, done: set[str]) -> None:
        """Tells the others at the same time, holding no connection, and settles the delivery."""
        names, complete = set[str](), True
        try:
            if others:
                names, complete = await others.tell(due.delivery, done)
            told = complete and RECEIVERS in done
            async with self.pool.connection() as connection:
                await settle(connection, due, told, done | names)
        except psycopg.Error as error:  # it is due again in a minute
            logger.warning("delivery %s: not settled: %s", due.delivery, error)
        except Exception:
            logger.exception("delivery %s could not be told", due.delivery)


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


def tell(due: Due) -> bool:
    """Calls the receivers; tells whether all returned. Django logs those that raised."""
    known = RunModel.objects.select_related("conversation", "prompt", "answer")
    if not (run_waiting if due.status == WAITING else run_ended).has_listeners():
        return True
    try:
        run = known.filter(pk=due.run_id).first()
        if run is None:
            return True
        status = due.status or run.status
        signal = run_waiting if status == WAITING else run_ended
        answers = signal.send_robust(
            Run,
            run=Run(run),
            chat=Chat(run.conversation),
            status=status,
            delivery=due.delivery,
            attempt=due.attempt,
        )
        return not any(isinstance(answer, Exception) for _, answer in answers)
    except (Exception, SystemExit):  # which would end each worker in turn
        logger.exception("run %s: what became of it could not be told", due.run_id)
        return False


async def settle(
    connection: AsyncConnection, due: Due, told: bool, done: Collection[str] = ()
) -> None:
    """Deletes a delivery of which all have been told; else it is due again, and `done` is kept."""
    known = {"delivery": due.delivery, "done": sorted(done)}
    await connection.execute(DELIVERED if told else FAILED, known)
