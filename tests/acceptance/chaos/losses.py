"""Workers that are lost, and nothing else: killed, frozen and drained."""

from __future__ import annotations

import asyncio
import signal

from .crew import Service
from .phases import Phases
from .postgres import Postgres
from .weather import House, Weather

CAUGHT = 0.5  # seconds to wait for a call whose worker is to be lost before it writes the result
IDLE = 4.0  # seconds without the effects that a dense storm waits for
EFFECTS = 5


class Losses(Weather):
    """What becomes of workers, in every phase. A `dense` storm lets them work between two losses:
    it goes by effects, not by the clock, so that a slow machine has as many of them.
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
        house, pid = await self._victim()
        if process := house.process:
            house.process = None
            process.send(signal.SIGKILL)
            await self.phases.meet("killed", pid, self.service.answered)
            await asyncio.to_thread(process.kill)
            await house.open()

    async def _freeze(self) -> None:
        house, pid = await self._victim()
        if process := house.process:
            house.process = None
            process.send(signal.SIGSTOP)
            await self.phases.meet("frozen", pid, self.service.answered)
            await asyncio.sleep(self.lease * self.chance.uniform(1.3, 2))
            process.send(signal.SIGCONT)
            house.process = process

    async def _drain(self) -> None:
        house, pid = await self._victim()
        if process := house.process:
            house.process = None
            process.send(signal.SIGTERM)
            await self.phases.meet("drained", pid, self.service.answered)
            await asyncio.to_thread(process.popen.wait, 30)
            await house.open()

    async def _victim(self) -> tuple[House, int]:
        """Returns any worker; or now and then one that has its answer, and has not written it."""
        if self.chance.random() < 0.3:
            pid = await self.service.next_answer(CAUGHT)
            for house in self.houses["worker"]:
                if house.process and house.process.popen.pid == pid:
                    return house, pid
        house = self._pick("worker")
        return house, house.process.popen.pid if house.process else 0

    async def _somebody_works(self) -> None:
        """However long a busy machine takes to start a worker: else nothing is there to be lost."""
        while not any(house.process for house in self.houses["worker"]):
            await asyncio.sleep(0.1)

    async def storm(self, seconds: float) -> None:
        """Without conversations that break: those are another test's."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        names, weights = list(self.kinds), [weight for weight, _ in self.kinds.values()]
        first = self.chance.sample(names, len(names))
        while first or loop.time() < until:
            kind = first.pop() if first else self.chance.choices(names, weights)[0]
            await self._strike(kind)
            await self._somebody_works()
            done = self.service.effects
            await asyncio.sleep(self.chance.uniform(0.3, 1.5))
            if self.dense:
                await self._worked(done + self.chance.randrange(2 * EFFECTS))
        await asyncio.gather(*self.under_way)

    async def _worked(self, effects: int) -> None:
        until = asyncio.get_running_loop().time() + IDLE
        while self.service.effects < effects and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
