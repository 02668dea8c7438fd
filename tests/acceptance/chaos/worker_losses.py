"""Loses workers and nothing else: kills, freezes and drains them."""

from __future__ import annotations

import asyncio
import signal

from tests.processes import Process

from .agent_workload import Service
from .fault_injector import House, Weather
from .phases import Phases
from .postgres import Postgres

CAUGHT = 0.5  # seconds to wait for a call whose worker is to be lost before it writes the result
IDLE = 8.0  # seconds without an effect, after which a dense storm waits for no more
EFFECTS = 5  # between two losses
A_SECOND = 2  # and as many in the whole, however long a busy machine takes to start workers


class Losses(Weather):
    """Loses workers in every phase. A `dense` storm lets them work between two losses, and counts
    effects instead of time, so that a slow machine has as many of them.
    """

    def __init__(
        self, seed: int, postgres: Postgres, lease: float, service: Service, dense: bool
    ) -> None:
        super().__init__(seed, postgres, lease)
        self.service = service
        self.dense = dense
        self.phases = Phases(postgres)
        self.kinds = {
            "worker killed": (3, self._kill),
            "worker frozen": (2, self._freeze),
            "worker drained": (3, self._drain),
        }

    async def _kill(self) -> None:
        house, process = await self._struck("killed", signal.SIGKILL)
        if process:
            await asyncio.to_thread(process.kill)
            await house.open()

    async def _freeze(self) -> None:
        house, process = await self._struck("frozen", signal.SIGSTOP)
        if process:
            await asyncio.sleep(self.lease * self.chance.uniform(1.3, 2))
            process.send(signal.SIGCONT)
            house.process = process

    async def _drain(self) -> None:
        house, process = await self._struck("drained", signal.SIGTERM)
        if process:
            await asyncio.to_thread(process.popen.wait, 30)
            await house.open()

    async def _struck(self, kind: str, number: int) -> tuple[House, Process | None]:
        """Signals any worker; or now and then one that has its answer, and has not written it."""
        caught = await self._caught() if self.chance.random() < 0.3 else None
        house = caught or self._pick("worker")
        process, house.process = house.process, None
        if process:
            pid = process.popen.pid
            if caught:
                process.send(number)
            await self.phases.meet(kind, pid, self.service.answered)
            if not caught:
                process.send(number)
        return house, process

    async def _caught(self) -> House | None:
        pid = await self.service.next_answer(CAUGHT)
        there = [each for each in self.houses["worker"] if each.process]
        return next((each for each in there if each.process.popen.pid == pid), None)

    async def _somebody_works(self) -> None:
        """Waits until a worker has started, however long that takes: else there is none to lose."""
        while not any(house.process for house in self.houses["worker"]):
            self.look()
            await asyncio.sleep(0.1)

    async def storm(self, seconds: float) -> None:
        """Runs the storm without breaking conversations, which another test does."""
        await self.phases.open()
        loop = asyncio.get_running_loop()
        began, until = loop.time(), loop.time() + seconds
        names, weights = list(self.kinds), [weight for weight, _ in self.kinds.values()]
        first = self.chance.sample(names, len(names))
        while first or loop.time() < until:
            kind = first.pop() if first else self.chance.choices(names, weights)[0]
            await self._strike(kind)
            await self._somebody_works()
            done = self.service.effects
            await asyncio.sleep(self.chance.uniform(0.3, 1.5))
            if self.dense:
                due = A_SECOND * (loop.time() - began)
                await self._worked(max(due, done + self.chance.randrange(2 * EFFECTS)), until)
        await asyncio.gather(*self.under_way)

    async def _worked(self, effects: float, until: float) -> None:
        """Lets workers come to so many effects in all."""
        loop = asyncio.get_running_loop()
        done, last = self.service.effects, loop.time()
        while done < effects and loop.time() < min(until, last + IDLE):
            await asyncio.sleep(0.05)
            if self.service.effects > done:
                done, last = self.service.effects, loop.time()

    async def clear(self) -> None:
        await self.phases.close()
        await super().clear()
