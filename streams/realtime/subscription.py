"""One open response: a cursor into a shared tail, and a future to wait on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..log import OneRun, StoredEvent
from . import sse
from .event_buffer import EventBuffer

if TYPE_CHECKING:
    from ..models import Device
    from .hub import Hub
    from .revocation import Admission

# Rows behind the newest from which one compacted read costs both sides less than the rows.
FAR_BEHIND = 50

# Seconds that a client gets to read what is left once its stream has to end. One that has
# stopped reading would otherwise keep the server from shutting down.
PARTING = 1.0


class CatchUp(NamedTuple):
    """One page of history: its rows, whether more follow, and the buffer's floor before it."""

    rows: list[StoredEvent]
    more: bool
    floor: int


class SideChannel(Protocol):
    """A source of frames without a number, sent beside the log: presence, the live list."""

    def news(self) -> bytes:
        """Returns the frames that this response has not been sent yet."""
        ...

    def leave(self) -> None:
        """Lets go of what it holds for this response, which has ended."""
        ...


class Subscription:
    """One open response of one device: it sleeps until it is woken, and ends with a last frame.

    This base sends its side channels alone, which is what a page without a conversation needs.
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

    def __init__(self, hub: Hub, device: Device) -> None:
        self._hub = hub
        self._waiter: asyncio.Future[None] | None = None
        self.admission: Admission | None = None
        self.side_channels: list[SideChannel] = []
        self.conversation_id: int | None = None
        self.device_id = device.pk
        self.user_id = device.user_id
        self.last_sent = hub.now
        self.hang_up: Callable[[], None] | None = None
        self.end: bytes | None = None

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def finish(self, last: bytes) -> None:
        """Ends the response after one last frame: bye, gone, or none if the client has left."""
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
        """Sleeps until woken; returns a ping if nothing has been sent for `conf.ping` seconds."""
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
    """Sends the events after `cursor`, without end or until one run's terminal event.

    What it has sent is always the log from the first cursor on, in order, nothing twice and
    nothing left out: each step reads past the cursor, then moves it. A client that reads too
    slowly for the shared buffer is caught up from the table, compacted. `head` is the log's
    last number at the join: a cursor past it belongs to another life of the database, so the
    client is told to start over.
    """

    __slots__ = ("_reading", "buffer", "cursor", "head", "run")

    def __init__(
        self,
        hub: Hub,
        buffer: EventBuffer,
        device: Device,
        *,
        head: int,
        cursor: int,
        run: OneRun | None = None,
    ) -> None:
        super().__init__(hub, device)
        self._reading: asyncio.Task[CatchUp] | None = None
        self.buffer = buffer
        self.conversation_id = buffer.conversation_id
        self.head = head
        self.cursor = cursor
        self.run = run

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """Yields frames of Server-Sent Events from the cursor on, until the subscription is
        finished: first what was missed, then `sync`, then new events as they come.
        """
        synced = False
        if self.cursor > self.head:
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
                    data += self._sync()
                if synced:
                    data += self._news()
                if not data and self.end is None and self.cursor >= self.buffer.head:
                    data = await self._wait()
                if data:
                    self.last_sent = self._hub.now
                    yield data
        finally:
            if self._reading:
                self._reading.cancel()
        if self.end:
            yield self.end

    def _sync(self) -> bytes:
        """Returns the frame that says that all there was has been sent."""
        return sse.unnumbered("sync", head=self.cursor, epoch=self._hub.epoch)

    def _is_behind(self) -> bool:
        return not self.buffer.holds(self.cursor) or self.buffer.lag(self.cursor) > FAR_BEHIND

    def _is_live(self) -> bool:
        return self.cursor >= max(self.buffer.head, self.buffer.expected)

    def _from_buffer(self) -> bytes:
        cursor, self.cursor = self.cursor, max(self.cursor, self.buffer.head)
        if self.run is None:
            return self.buffer.after(cursor)
        frames, ended = self.buffer.of_run(cursor, self.run)
        if ended:
            self.end = b""
        return frames

    async def _caught_up(self) -> bytes:
        """Reads one page of history after the cursor, so that no client's whole past is held.

        Returns a ping, or nothing, while PostgreSQL has not answered yet; the read goes on.
        """
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        await self._woken(self._reading)
        if not self._reading.done():
            return self._ping()
        page = self._reading.result()
        self._reading = None
        self._move_past(page)
        if not page.rows and not page.more and self.buffer.holds(self.cursor):
            return self._from_buffer()
        return self._encoded(page.rows)

    async def _read(self) -> CatchUp:
        # The floor is taken before the read: rows that leave the buffer during it may be
        # missing from the page, and are read next time.
        floor = self.buffer.floor
        rows, more = await self._history()
        return CatchUp(rows, more, floor)

    async def _history(self) -> tuple[list[StoredEvent], bool]:
        return await self._hub.catch_up(self.buffer.conversation_id, self.cursor)

    def _move_past(self, page: CatchUp) -> None:
        """Moves the cursor to the end of the page, and past rows that were purged or compacted:
        the last page reaches the floor even if no row stands there, or it would be read for ever.
        """
        if page.rows:
            self.cursor = max(self.cursor, page.rows[-1].seq)
        if not page.more:
            self.cursor = max(self.cursor, page.floor)

    def _encoded(self, rows: list[StoredEvent]) -> bytes:
        if run := self.run:
            rows = [row for row in rows if run.shows(row.run_id, row.type, row.data)]
            if any(run.ends_with(row.run_id, row.type) for row in rows):
                self.end = b""
        return b"".join(sse.frame(row.seq, row.type, row.data) for row in rows)
