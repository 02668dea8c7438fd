"""A client that keeps posting prompts during the storm, and sometimes stops an answer."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any

from .device import Broken, Device, ask


class Author:
    def __init__(self, seed: object, cookies: Mapping[str, str], watched: Device) -> None:
        self.chance = random.Random(f"author {seed}")
        self.cookies = cookies
        self.watched = watched
        self.counts: Counter[str] = Counter()

    async def live(self) -> None:
        while True:
            await asyncio.sleep(self.chance.uniform(0, 2))
            runs = [await self._post() for _ in range(self.chance.choice((1, 1, 1, 2)))]
            for run in runs:
                if self.chance.random() < 0.25:
                    await asyncio.sleep(self.chance.uniform(0, 2))
                    self.counts["cancels"] += 1
                    await self._insist(f"/runs/{run}/cancel", None, (200, 202))
            for run in runs:
                await self._ended(run)

    async def _post(self) -> str:
        self.counts["prompts"] += 1
        body = {"content": "Go on", "client_key": str(uuid.UUID(int=self.chance.getrandbits(128)))}
        path = f"/c/{self.watched.conversation}/messages"
        return (await self._insist(path, body, (200, 201)))["run"]["id"]

    async def _insist(self, path: str, body: object, good: tuple[int, ...]) -> Any:
        """Sends the same request again until it is answered, as the page does."""
        while True:
            try:
                port = self.chance.choice(self.watched.ports)
                status, answer = await ask(port, "POST", path, self.cookies, body)
            except OSError:
                self.counts["sent again"] += 1
            else:
                if status in good:
                    return answer
                self.counts[f"answered {status}"] += 1
                if status != 503:
                    raise Broken(f"{path} was answered {status}: {answer}")
            await asyncio.sleep(self.chance.uniform(0.1, 0.5))

    async def _ended(self, run: str) -> None:
        """Waits until the answer has ended, or long enough: it may have been taken back before the
        watched device saw it.
        """
        for _ in range(100):
            known = self.watched.transcript.runs.get(run)
            if known and known.status not in ("queued", "running"):
                return
            await asyncio.sleep(0.1)
