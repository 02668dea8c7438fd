"""A LISTEN connection that reconnects by itself."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress

import psycopg
from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool

from .connections import connect, is_behind_pooler

logger = logging.getLogger(__name__)

BACKOFF = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
ANSWER_WITHIN = 2.0


class Listener:
    """Listens on channels, for ever.

    `heard(channel, payload)` is called for each notification. `joined()` is called after each
    connect, since notifications sent before are lost and the caller has to look for itself. psycopg
    loses the rest of a batch when its generator is left, so it is left only by an error.
    """

    def __init__(
        self,
        role: str,
        channels: tuple[str, ...],
        heard: Callable[[str, str], None],
        joined: Callable[[], None],
    ) -> None:
        self.role = role
        self.own = f"streams_probe_{secrets.token_hex(6)}"
        self.channels = (*channels, self.own)
        self.heard = heard
        self.joined = joined
        self.deaf = True
        self._connection: AsyncConnection | None = None
        self._fresh = asyncio.Event()
        self._echo = asyncio.Event()

    async def run(self) -> None:
        """Listens until cancelled; sleeps where a pooler would give the listening session to
        someone else.
        """
        if is_behind_pooler():
            await asyncio.Event().wait()
        failures = 0
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                failures = failures + 1 if self.deaf else 0
                delay = BACKOFF[min(failures, len(BACKOFF) - 1)]
                if failures < len(BACKOFF):  # then it has been said often enough
                    logger.warning("%s: LISTEN lost (%s), again in %s s", self.role, error, delay)
                self._connection, self.deaf = None, True
                await asyncio.sleep(delay)

    async def _listen(self) -> None:
        """Listens on one connection; `deaf` stays true until a notification to itself has
        arrived.
        """
        async with await connect(self.role) as connection:
            for channel in self.channels:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            self._connection = connection
            self._fresh.set()
            self.joined()
            async for notification in connection.notifies():
                if notification.channel == self.own:
                    self.deaf = False
                    self._echo.set()
                else:
                    self.heard(notification.channel, notification.payload)
            raise psycopg.OperationalError("the server closed the connection")

    async def keep_checked(self, pool: AsyncConnectionPool, every: float) -> None:
        """Checks the connection after every connect and every `every` seconds."""
        if is_behind_pooler():
            await asyncio.Event().wait()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._fresh.wait(), every)
            self._fresh.clear()
            try:
                async with pool.connection() as connection:
                    await self.check(connection)
            except psycopg.Error:
                await asyncio.sleep(1)

    async def check(self, through: AsyncConnection) -> bool:
        """Sends a notification to itself and tells whether it arrived; if not, it reconnects.

        PgBouncer in transaction mode accepts LISTEN and delivers nothing, and a dead connection may
        go unnoticed by both sides.
        """
        if (connection := self._connection) is None:
            return False
        self._echo.clear()
        await through.execute("SELECT pg_notify(%s, '')", [self.own])
        try:
            await asyncio.wait_for(self._echo.wait(), ANSWER_WITHIN)
        except TimeoutError:
            if not self.deaf:
                logger.warning("%s: LISTEN delivers nothing; polling instead", self.role)
            self.deaf = True
            shut_down_socket(connection)
            return False
        return True


def shut_down_socket(connection: AsyncConnection) -> None:
    """Ends a connection by its socket, which wakes the task that reads from it. Closing the
    connection would leave that task waiting for ever.
    """
    with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)
