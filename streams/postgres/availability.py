"""Whether PostgreSQL can be reached at all: asked in milliseconds, where waiting takes seconds.

A pool that has nothing to give does not say why. In a burst one waits, and rightly; with
PostgreSQL away every page would wait as long, only to say so.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from . import error_diagnosis
from .connections import is_away, parameters
from .error_diagnosis import Trouble

logger = logging.getLogger(__name__)

T = TypeVar("T")

FRESH = 0.25
LOOK_AFTER = 1.0


class Availability:
    """What was last heard of the server, for all threads of the process."""

    def __init__(self) -> None:
        self.lost = False
        self._asked = float("-inf")
        self._asking = threading.Lock()

    def check(self) -> None:
        """Raises psycopg.OperationalError where it was lost and is not back."""
        if self.lost and self.is_lost():
            raise psycopg.OperationalError("PostgreSQL cannot be reached")

    def is_lost(self) -> bool:
        """Asks, unless somebody has just done so. Once it is known to be lost only one at a
        time finds out whether it is back: a host that swallows packets costs a second."""
        if not self._asking.acquire(blocking=not self.lost):
            return True
        try:
            if time.monotonic() - self._asked > FRESH:
                self.lost = not answers()
                self._asked = time.monotonic()
            return self.lost
        finally:
            self._asking.release()


def answers() -> bool:
    return ping() == Ping.OK


def ping() -> Ping:
    """libpq's own, which logs in nowhere: one connection too many is an answer too."""
    where = make_conninfo(**parameters() | {"connect_timeout": 1})
    return Ping(PGconn.ping(where.encode()))


def why() -> Trouble:
    """What keeps us from PostgreSQL: a pool only says that it has no connection to give."""
    if (heard := ping()) != Ping.OK:
        return error_diagnosis.STARTING if heard == Ping.REJECT else error_diagnosis.AWAY
    try:
        psycopg.connect(**parameters() | {"connect_timeout": 1}).close()
    except psycopg.Error as error:
        return error_diagnosis.of(error)
    return error_diagnosis.BUSY


async def described(error: psycopg.Error) -> str:
    """As `trouble.described`, in an event loop; what keeps a pool from having any is looked for."""
    if not isinstance(error, PoolTimeout):
        return error_diagnosis.described(error)
    return (await asyncio.to_thread(why)).meaning


async def persist(
    through: AsyncConnectionPool, every: float, act: Callable[[AsyncConnection], Awaitable[T]]
) -> T:
    """Until PostgreSQL has it: what must not be dropped because a connection was."""
    while True:
        try:
            async with through.connection() as connection:
                return await act(connection)
        except psycopg.Error as error:
            if not is_away(error):
                raise
            logger.warning("%s waits: %s", through.name, await described(error))
            await asyncio.sleep(every)


availability = Availability()


@asynccontextmanager
async def pooled_connection(
    pool: AsyncConnectionPool, patience: float = 5.0
) -> AsyncGenerator[AsyncConnection, None]:
    """A connection of the pool, in an event loop; raises psycopg.OperationalError."""
    if availability.lost:
        await asyncio.to_thread(availability.check)
    until = time.monotonic() + patience
    async with AsyncExitStack() as held:
        while True:
            try:
                connection = await held.enter_async_context(pool.connection(LOOK_AFTER))
                break
            except PoolTimeout:
                if await asyncio.to_thread(availability.is_lost) or time.monotonic() >= until:
                    raise
        yield connection
