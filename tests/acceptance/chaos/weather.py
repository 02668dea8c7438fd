"""What falls on the processes, in an order the seed decides."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import psycopg

from tests.processes import Process, Web, WorkerProcess

from .postgres import Postgres


class House:
    """A place for one process: whoever dies there is started again."""

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
    """Every kind of fault once, in a shuffled order, then as chance has it."""

    def __init__(self, seed: int, postgres: Postgres, lease: float) -> None:
        self.chance = random.Random(f"weather {seed}")
        self.postgres = postgres
        self.lease = lease
        self.houses: dict[str, list[House]] = {"web": [], "worker": []}
        self.faults: Counter[str] = Counter()
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
        while first or time.monotonic() < until:
            kind = first.pop() if first else self.chance.choices(names, weights)[0]
            await self._strike(kind)
            await asyncio.sleep(every * self.chance.uniform(0.5, 1.5))
        await asyncio.gather(*self.under_way)

    async def _strike(self, kind: str) -> None:
        """PostgreSQL's own falls are waited for: it cannot be stopped twice at once."""
        self.faults[kind] += 1
        if "process" in kind or "worker" in kind:
            task = asyncio.create_task(self._do(kind))
            self.under_way.add(task)
            task.add_done_callback(self.under_way.discard)
        else:
            await self._do(kind)

    async def _do(self, kind: str) -> None:
        try:
            await self.kinds[kind][1]()
        except psycopg.OperationalError:
            self.faults[kind] -= 1  # it was away itself, or cut its own branch

    def _pick(self, kind: str) -> House:
        up = [house for house in self.houses[kind] if house.process]
        return self.chance.choice(up or self.houses[kind])

    async def clear(self) -> None:
        await asyncio.gather(*(house.close() for each in self.houses.values() for house in each))
