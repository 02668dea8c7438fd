"""What the storm does to the processes, in an order that the seed decides."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

from streams import log
from tests.processes import Process, Web, WorkerProcess

from .postgres import Postgres

BREAKING, BREAK_EVERY = "conversation broken", 20.0
BREAKABLE = """
SELECT id, uuid::text, clock_timestamp() FROM streams_conversation
 WHERE last_seq > 5 AND active_run_id IS NOT NULL ORDER BY id
"""
SET_BACK = """
UPDATE streams_conversation SET last_seq = last_seq - 4
 WHERE id = %s AND active_run_id IS NOT NULL RETURNING id
"""
ENDED = """
SELECT count(*) FROM streams_run
 WHERE conversation_id <> %s AND status = 'completed' AND ended_at > %s
"""


async def insist(ask: Callable[[], Awaitable[list[tuple[Any, ...]]]]) -> list[tuple[Any, ...]]:
    """Until PostgreSQL is there."""
    while True:
        try:
            return await ask()
        except psycopg.OperationalError:
            await asyncio.sleep(0.2)


class House:
    """A place for one process, which is started again when it has died."""

    def __init__(self, name: str, start: Callable[[], Process]) -> None:
        self.name = name
        self.start = start
        self.process: Process | None = None

    async def open(self) -> None:
        self.process = await asyncio.to_thread(self.start)

    async def kill(self) -> None:
        process, self.process = self.process, None
        if process:
            await asyncio.to_thread(process.kill)
            await self.open()

    async def freeze(self, seconds: float) -> None:
        process, self.process = self.process, None
        if process:
            process.send(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            process.send(signal.SIGCONT)
            self.process = process

    async def close(self) -> None:
        if self.process and self.process.popen.poll() is None:
            await asyncio.to_thread(self.process.kill)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Weather:
    """Every kind of fault once, in a shuffled order, then as chance has it; and a conversation
    is broken every 20 seconds."""

    def __init__(self, seed: int, postgres: Postgres, lease: float) -> None:
        self.chance = random.Random(f"weather {seed}")
        self.postgres = postgres
        self.lease = lease
        self.houses: dict[str, list[House]] = {"web": [], "worker": []}
        self.faults: Counter[str] = Counter()
        self.broken: set[str] = set()
        self.answered_meanwhile: list[int] = []
        self.under_way: set[asyncio.Task[None]] = set()
        self.kinds: dict[str, tuple[int, Callable[[], Awaitable[object]]]] = {
            "worker killed": (3, lambda: self._pick("worker").kill()),
            "web process killed": (2, lambda: self._pick("web").kill()),
            "worker frozen past its lease": (
                2,
                lambda: self._pick("worker").freeze(lease * self.chance.uniform(1.3, 2)),
            ),
            "web process frozen": (1, lambda: self._pick("web").freeze(1.5)),
            "listeners cut": (3, lambda: self.postgres.cut("hub|worker")),
            "writers cut": (4, lambda: self.postgres.cut("writer")),
            "all connections cut": (1, lambda: self.postgres.cut(".*")),
            "PostgreSQL restarted, fast": (1, lambda: self.postgres.restart("fast")),
            "PostgreSQL restarted, immediate": (1, lambda: self.postgres.restart("immediate")),
            "PostgreSQL away for a while": (
                1,
                lambda: self.postgres.restart("fast", self.chance.uniform(1, 2 * lease)),
            ),
            BREAKING: (0, self._break_one),
        }

    def add(self, kind: str, *more: str, **environment: str) -> House:
        """`more` are the process's own arguments."""
        if kind == "web":
            start: Callable[[], Process] = lambda: Web(*more, **environment)  # noqa: E731
        else:
            start = lambda: WorkerProcess(*more, **environment)  # noqa: E731
        house = House(f"{kind} {len(self.houses[kind]) + 1}", start)
        self.houses[kind].append(house)
        return house

    async def storm(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        names, weights = list(self.kinds), [weight for weight, _ in self.kinds.values()]
        first = self.chance.sample(names, len(names))
        every = min(2.5, seconds / (len(names) + 2))
        breaks = time.monotonic() + BREAK_EVERY
        while first or time.monotonic() < until:
            if time.monotonic() > breaks:
                breaks += BREAK_EVERY
                await self._strike(BREAKING)
            kind = first.pop() if first else self.chance.choices(names, weights)[0]
            await self._strike(kind)
            await asyncio.sleep(every * self.chance.uniform(0.5, 1.5))
        await asyncio.gather(*self.under_way)

    async def _strike(self, kind: str) -> None:
        """PostgreSQL's own falls are waited for: it cannot be stopped twice at once."""
        self.look()
        self.faults[kind] += 1
        if "process" in kind or "worker" in kind or kind == BREAKING:
            task = asyncio.create_task(self._do(kind))
            self.under_way.add(task)
        else:
            await self._do(kind)

    def look(self) -> None:
        """Raises the error of a fault that failed: its process would stay away, and nothing else
        would say why.
        """
        for task in [task for task in self.under_way if task.done()]:
            self.under_way.discard(task)
            task.result()

    async def _do(self, kind: str) -> None:
        try:
            await self.kinds[kind][1]()
        except psycopg.OperationalError:
            self.faults[kind] -= 1  # it was away itself, or cut its own branch

    async def _break_one(self) -> None:
        """Breaks a conversation as a partial restore does. After a while `checklog --repair` is
        run; how many answers to others ended meanwhile is remembered.
        """
        victim, since = await self._set_back()
        await asyncio.sleep(self.chance.uniform(1, 3))
        await insist(self._repair)
        ended = await insist(lambda: self.postgres.query(ENDED, victim, since))
        self.answered_meanwhile.append(ended[0][0])

    async def _set_back(self) -> tuple[int, object]:
        while True:
            found = await insist(lambda: self.postgres.query(BREAKABLE))
            if found:
                pk, uuid, since = self.chance.choice(found)
                self.broken.add(uuid)
                if await insist(lambda pk=pk: self.postgres.query(SET_BACK, pk)):
                    return pk, since
            await asyncio.sleep(0.1)

    async def _repair(self) -> list[tuple[Any, ...]]:
        """Repairs as `checklog --repair` does."""
        async with await self.postgres.connect() as connection:
            found = [one async for _, found in log.walk(connection) for one in found]
            for pk in {one.conversation_id for one in found}:
                assert not await log.mend(connection, pk)
        return []

    def _pick(self, kind: str) -> House:
        up = [house for house in self.houses[kind] if house.process]
        return self.chance.choice(up or self.houses[kind])

    async def clear(self) -> None:
        await asyncio.gather(*(house.close() for each in self.houses.values() for house in each))
