"""Workers that are lost, and nothing else: killed, frozen and drained."""

from __future__ import annotations

import asyncio
import signal

from .postgres import Postgres
from .weather import Weather


class Losses(Weather):
    """What becomes of workers, in every phase."""

    def __init__(self, seed: int, postgres: Postgres, lease: float) -> None:
        super().__init__(seed, postgres, lease)
        keep = ("worker killed", "worker frozen past its lease")
        self.kinds = {name: self.kinds[name] for name in keep}
        self.kinds["worker drained"] = (3, self._drain)

    async def _drain(self) -> None:
        house = self._pick("worker")
        process, house.process = house.process, None
        if process:
            process.send(signal.SIGTERM)
            await asyncio.to_thread(process.popen.wait, 30)
            await house.open()

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
            await asyncio.sleep(self.chance.uniform(0.3, 1.5))
        await asyncio.gather(*self.under_way)
