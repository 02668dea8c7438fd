"""Reads of one conversation's past, each done once for all who ask for it meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ..log import StoredEvent

# Rows of which one number is where readers meet.
STEP = 256


class CatchUp(NamedTuple):
    """One page of history: its rows, whether more follow, and the buffer's floor before it."""

    rows: list[StoredEvent]
    more: bool
    floor: int


# Reads a page after a number, of so many rows at most, or of as many as a page has.
Read = Callable[[int, int | None], Awaitable[CatchUp]]


class SharedRead:
    """A read that goes on as long as anybody waits for it."""

    __slots__ = ("_task", "_waiting")

    def __init__(self, read: Awaitable[CatchUp]) -> None:
        self._task = asyncio.ensure_future(read)
        self._waiting = 0

    async def result(self) -> CatchUp:
        self._waiting += 1
        try:
            return await asyncio.shield(self._task)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._task.cancel()


class SharedHistory:
    """The reads of one conversation that are under way, by the number they begin after.

    A server that starts again has a thousand clients back at a thousand places of one log. Each
    is brought to the next multiple of `STEP`, by a small read of its own, and shares from there.
    """

    __slots__ = ("_reads",)

    def __init__(self) -> None:
        self._reads: dict[int, SharedRead] = {}

    def __len__(self) -> int:
        return len(self._reads)

    async def page(self, after: int, read: Read, *, alone: bool = False) -> CatchUp:
        """Returns a page after a number. With `alone` it is not shortened to end where readers
        meet: where rows are missing no page ends there, and one is enough to find that out."""
        if (shared := self._reads.get(after)) is None:
            most = None if alone or not self._reads else -after % STEP or None
            shared = self._reads[after] = SharedRead(read(after, most))
        try:
            return await shared.result()
        finally:
            if self._reads.get(after) is shared:
                del self._reads[after]
