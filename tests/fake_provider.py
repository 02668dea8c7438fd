"""A provider for tests that says exactly what it is told, when it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from streams.providers.base import (
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Finished,
    Kind,
    Prompt,
    ProviderError,
    ProviderEvent,
)


class Obedient:
    """Tell it with `say`, `tell`, `fail` and `finish`; ask it with `prompts` and `closed`."""

    name = "obedient"
    skipped = 0

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []
        self.closed = 0
        self.asked = asyncio.Event()
        self._orders: asyncio.Queue[str | ProviderEvent | ProviderError | None] = asyncio.Queue()

    def say(self, *words: str) -> Obedient:
        for word in words:
            self._orders.put_nowait(word)
        return self

    def tell(self, event: ProviderEvent) -> Obedient:
        """An event as it is; Finished ends the answer."""
        self._orders.put_nowait(event)
        return self

    def fail(self, error: ProviderError) -> Obedient:
        self._orders.put_nowait(error)
        return self

    def finish(self) -> Obedient:
        self._orders.put_nowait(None)
        return self

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]:
        self.prompts.append(prompt)
        self.asked.set()
        started = False
        try:
            while (order := await self._orders.get()) is not None:
                if isinstance(order, ProviderError):
                    raise order
                if not isinstance(order, str):
                    yield order
                    if isinstance(order, Finished):
                        return
                    continue
                if not started:
                    started = True
                    yield BlockStarted(0, Kind.TEXT)
                yield BlockDelta(0, order)
            if started:
                yield BlockEnded(0)
            yield Finished("end_turn", {"output_tokens": 1})
        finally:
            self.closed += 1

    def models(self) -> list[str]:
        return []

    async def aclose(self) -> None:
        return None
