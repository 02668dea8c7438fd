"""Detects within milliseconds that PostgreSQL is away, where waiting for a pool takes seconds.

An empty pool does not say why it is empty. In a burst of requests, waiting is right; while
PostgreSQL is away, every page would wait for seconds only to report an error.
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
    """Remembers for all threads of the process whether the server was reachable when last asked."""

    def __init__(self) -> None:
        self.lost = False
        self._asked = float("-inf")
        self._asking = threading.Lock()

    def check(self) -> None:
        """Raises psycopg.OperationalError if the server was lost and is not back."""
        if self.lost and self.is_lost():
            raise psycopg.OperationalError("PostgreSQL cannot be reached")

    def is_lost(self) -> bool:
        """Asks the server, unless somebody did so within `FRESH` seconds.

        Once it is lost only one thread asks at a time: a host that swallows packets costs a second.
        """
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
    """Asks libpq's own ping, which needs no login: it also answers when all connections are
    taken.
    """
    where = make_conninfo(**parameters() | {"connect_timeout": 1})
    return Ping(PGconn.ping(where.encode()))


def why() -> Trouble:
    """Finds out why no connection can be had, which a pool does not tell."""
    if (heard := ping()) != Ping.OK:
        return error_diagnosis.STARTING if heard == Ping.REJECT else error_diagnosis.AWAY
    try:
        psycopg.connect(**parameters() | {"connect_timeout": 1}).close()
    except psycopg.Error as error:
        return error_diagnosis.of(error)
    return error_diagnosis.BUSY


async def described(error: psycopg.Error) -> str:
    """Like `error_diagnosis.described`, for event loops; also finds out why a pool is empty."""
    if not isinstance(error, PoolTimeout):
        return error_diagnosis.described(error)
    return (await asyncio.to_thread(why)).meaning


async def persist(
    through: AsyncConnectionPool, every: float, act: Callable[[AsyncConnection], Awaitable[T]]
) -> T:
    """Repeats `act` until PostgreSQL has stored it, for writes that a lost connection must not
    drop.

    Errors that are not about reachability are raised.
    """
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
    """Takes a connection from the pool; raises psycopg.OperationalError while PostgreSQL is
    away.
    """
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
