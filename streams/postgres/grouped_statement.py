"""Answers questions that arrive together by one statement: while one is in flight, the next ones
collect, as in the worker's writer. An idle process asks at once, a busy one in larger groups.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from typing import Generic, TypeVar

import psycopg
from psycopg import AsyncConnection

from streams.supervision import cancel_and_wait, restarted

from .connections import connect, is_quiet, is_undone

logger = logging.getLogger(__name__)

Q = TypeVar("Q")
A = TypeVar("A")

Act = Callable[[AsyncConnection, Sequence[Q]], Awaitable[Sequence[A]]]


class InDoubt(psycopg.OperationalError):
    """The connection was lost while a statement was in flight: it may have been carried out."""


def no_keys(question: object) -> Collection[Hashable]:
    return ()


class GroupedStatement(Generic[Q, A]):
    """Sends one group of questions at a time, on a connection of its own, from the first `ask` to
    `close`.

    `act` answers a group, in its order, and changes all that it changes or nothing. `keys` names
    what may stand in a group once: questions that share a key are asked one after the other.
    """

    def __init__(
        self,
        role: str,
        act: Act[Q, A],
        *,
        most: int,
        keys: Callable[[Q], Collection[Hashable]] = no_keys,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.role = role
        self._act = act
        self._most = most
        self._keys = keys
        self._settings = settings or {}
        self._waiting: dict[asyncio.Future[A], tuple[Q, Collection[Hashable]]] = {}
        self._closed = False
        self._news = asyncio.Event()
        self._connection: AsyncConnection | None = None
        self._answering: asyncio.Task[None] | None = None

    async def ask(self, question: Q) -> A:
        """Raises what the statement raised, or InDoubt; after any other error nothing was done.
        After `close` it is an OperationalError."""
        if self._closed:
            raise self._leaving()
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting[answer] = question, self._keys(question)
        self._news.set()
        if self._answering is None:
            self._answering = asyncio.create_task(restarted(self._run))
        return await answer

    async def close(self) -> None:
        self._closed = True
        if self._answering:
            await cancel_and_wait([self._answering])
        self._leave()  # callers that asked before the answering task had its first turn

    async def _run(self) -> None:
        """Answers until cancelled; callers that still wait then get an error."""
        group: dict[asyncio.Future[A], Q] = {}
        try:
            while True:
                await self._news.wait()
                await self._collected()
                group = self._taken()
                await self._answer(group)
        finally:
            fail(group, InDoubt(f"{self.role}: this process is leaving"))
            self._leave()
            if self._connection:
                await self._connection.close()

    def _leave(self) -> None:
        fail(self._waiting, self._leaving())
        self._waiting.clear()

    def _leaving(self) -> psycopg.OperationalError:
        return psycopg.OperationalError(f"{self.role}: this process is leaving")

    async def _collected(self) -> None:
        """Lets those ask who are about to: as long as each turn of the loop brings more, it is
        busy, and a group costs the loop and PostgreSQL little more than one question does. An idle
        loop comes back at once.
        """
        waiting = 0
        while waiting < len(self._waiting) < self._most:
            waiting = len(self._waiting)
            await asyncio.sleep(0)

    def _taken(self) -> dict[asyncio.Future[A], Q]:
        """Takes the oldest questions whose keys do not meet in one group."""
        group: dict[asyncio.Future[A], Q] = {}
        taken: set[Hashable] = set()
        for answer, (question, keys) in self._waiting.items():
            if len(group) == self._most:
                break
            if taken.isdisjoint(keys):
                group[answer] = question
            taken.update(keys)
        for answer in group:
            del self._waiting[answer]
        if not self._waiting:
            self._news.clear()
        return {answer: question for answer, question in group.items() if not answer.done()}

    async def _answer(self, group: dict[asyncio.Future[A], Q]) -> None:
        """Asks for all at once; if PostgreSQL refuses that, for each alone."""
        if not group:  # all have gone while they waited
            return
        try:
            connection = await self._connected()
        except psycopg.Error as error:
            fail(group, error)
            return
        try:
            answers = await self._act(connection, [*group.values()])
        except psycopg.Error as error:
            await self._refused(connection, group, error)
        else:
            for future, answer in zip(group, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

    async def _refused(
        self, connection: AsyncConnection, group: dict[asyncio.Future[A], Q], error: psycopg.Error
    ) -> None:
        if not is_undone(connection, error):
            logger.warning("%s: %s", self.role, error)
            fail(group, InDoubt(str(error)))
            await self._drop()
        elif len(group) == 1:
            fail(group, error)
        else:
            for future, question in group.items():
                await self._answer({future: question})

    async def _connected(self) -> AsyncConnection:
        """One that PostgreSQL has ended since its last use is not tried: what was sent on it would
        be in doubt."""
        if self._connection and (self._connection.closed or not is_quiet(self._connection)):
            await self._drop()
        if self._connection is None:
            self._connection = await connect(self.role, **self._settings)
        return self._connection

    async def _drop(self) -> None:
        if self._connection:
            await self._connection.close()
            self._connection = None


def fail(group: Collection[asyncio.Future[A]], error: Exception) -> None:
    for answer in group:
        if not answer.done():
            answer.set_exception(error)
