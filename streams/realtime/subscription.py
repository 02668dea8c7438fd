"""One open response: a cursor into a shared tail, and a future to wait on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Protocol

from ..log import Stored
from . import sse
from .buffer import EventBuffer

if TYPE_CHECKING:
    from .hub import Hub
    from .revocation import Admission

TERMINAL = frozenset({"run.completed", "run.failed", "run.cancelled"})

# From here on a rolled-up read is cheaper than the rows themselves, for both sides.
FAR_BEHIND = 50


# How long one that has to go may take over what it has not read yet: one that has stopped
# reading would never hear the end, and keep a server that waits for it from leaving.
PARTING = 1.0


class SideChannel(Protocol):
    """What an open response says beside the log, in frames without a number."""

    def news(self) -> bytes: ...

    def leave(self) -> None: ...


class Subscription:
    """An open response of one device: woken when there is news, ended by a last frame.

    As it is it sends its asides alone, for a page without a conversation.
    """

    __slots__ = (
        "_hub",
        "_waiter",
        "admission",
        "conversation_id",
        "device_id",
        "end",
        "hang_up",
        "last_sent",
        "side_channels",
        "user_id",
    )  # fmt: skip

    def __init__(self, hub: Hub, device_id: int, user_id: int) -> None:
        self._hub = hub
        self._waiter: asyncio.Future[None] | None = None
        self.admission: Admission | None = None
        self.side_channels: list[SideChannel] = []
        self.conversation_id: int | None = None
        self.device_id = device_id
        self.user_id = user_id
        self.last_sent = hub.now
        self.hang_up: Callable[[], None] | None = None
        self.end: bytes | None = None

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def finish(self, last: bytes) -> None:
        """End after one last frame: bye, gone, or nothing for a client that has left."""
        if last and self.end is None and self.hang_up:
            asyncio.get_running_loop().call_later(PARTING, self.hang_up)
        self.end = last
        self.wake()

    async def frames(self) -> AsyncGenerator[bytes, None]:
        yield sse.unnumbered("sync", head=0, epoch=self._hub.epoch)
        while self.end is None:
            if data := self._news() or await self._wait():
                self.last_sent = self._hub.now
                yield data
        if self.end:
            yield self.end

    def _news(self) -> bytes:
        return b"".join(side_channel.news() for side_channel in self.side_channels)

    def _is_live(self) -> bool:
        return True

    async def _wait(self) -> bytes:
        """Sleep until there is news; a ping when there has been none for long."""
        await self._woken()
        return self._ping() if self._is_live() else b""

    async def _woken(self, *or_done: asyncio.Future[Any]) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        if or_done:
            either: set[asyncio.Future[Any]] = {self._waiter, *or_done}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        else:
            await self._waiter
        self._waiter = None

    def _ping(self) -> bytes:
        quiet = self._hub.now - self.last_sent >= self._hub.conf.ping
        return sse.PING if quiet and self.end is None else b""


class LogSubscription(Subscription):
    """Frames past `cursor`, for ever or to the end of one run; `head` was the log's last
    number at the join.

    Whatever happens between, what it has yielded is the log from the cursor on, in order,
    with nothing twice: each step reads past the cursor and then moves it. A slow client
    lags its cursor and is caught up from the table, rolled up.
    """

    __slots__ = ("_reading", "buffer", "cursor", "head", "run_id")

    def __init__(
        self,
        hub: Hub,
        buffer: EventBuffer,
        head: int,
        cursor: int,
        device_id: int,
        run_id: int | None,
        user_id: int = 0,
    ) -> None:
        super().__init__(hub, device_id, user_id)
        self._reading: asyncio.Task[tuple[list[Stored], bool, int]] | None = None
        self.buffer = buffer
        self.conversation_id = buffer.conversation_id
        self.head = head
        self.cursor = cursor
        self.run_id = run_id

    async def frames(self) -> AsyncGenerator[bytes, None]:
        synced = False
        if self.cursor > self.head:  # of another life of the database
            self.cursor = 0
            yield sse.RESYNC
        try:
            while self.end is None:
                if self._reading or self._is_behind():
                    data = await self._caught_up()
                else:
                    data = self._from_buffer()
                if not synced and self._is_live():
                    synced = True
                    data += sse.unnumbered("sync", head=self.cursor, epoch=self._hub.epoch)
                if synced:
                    data += self._news()
                if not data and self.end is None and self._is_live():
                    data = await self._wait()
                if data:
                    self.last_sent = self._hub.now
                    yield data
        finally:
            if self._reading:
                self._reading.cancel()
        if self.end:
            yield self.end

    def _is_behind(self) -> bool:
        return not self.buffer.holds(self.cursor) or self.buffer.lag(self.cursor) > FAR_BEHIND

    def _is_live(self) -> bool:
        return self.cursor >= self.buffer.head

    def _from_buffer(self) -> bytes:
        cursor, self.cursor = self.cursor, max(self.cursor, self.buffer.head)
        if self.run_id is None:
            return self.buffer.after(cursor)
        frames = self.buffer.of_run(cursor, self.run_id)
        if any(type in TERMINAL for type, _ in frames):
            self.end = b""
        return b"".join(frame for _, frame in frames)

    async def _caught_up(self) -> bytes:
        """History past the cursor, rolled up; in pages, so that no client's past is held.
        A ping, or nothing, when PostgreSQL keeps us waiting for it."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        await self._woken(self._reading)
        if not self._reading.done():
            return self._ping()
        rows, more, floor = self._reading.result()
        self._reading = None
        self.cursor = max([self.cursor, *(row.seq for row in rows[-1:])])
        if not more:
            self.cursor = max(self.cursor, floor)
        if not rows and not more and self.buffer.holds(self.cursor):
            return self._from_buffer()  # rows that went from under us: never ask for them again
        return self._encoded(rows)

    async def _read(self) -> tuple[list[Stored], bool, int]:
        floor = self.buffer.floor  # as it was before the read: what it moves past meanwhile is news
        return *await self._hub.catch_up(self.buffer.conversation_id, self.cursor), floor

    def _encoded(self, rows: list[Stored]) -> bytes:
        if self.run_id is not None:
            rows = [row for row in rows if row.run_id == self.run_id]
            if any(row.type in TERMINAL for row in rows):
                self.end = b""
        return b"".join(sse.frame(row.seq, row.type, row.data) for row in rows)
