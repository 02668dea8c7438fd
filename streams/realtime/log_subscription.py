"""One open response that follows a log: a cursor into the buffer that all its readers share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from ..log import OneRun, StoredEvent
from . import sse
from .event_buffer import EventBuffer
from .shared_history import CatchUp
from .subscription import Subscription

if TYPE_CHECKING:
    from ..models import Device
    from .hub import Hub

# Rows behind the newest from which one compacted read costs both sides less than the rows.
FAR_BEHIND = 50


class LogSubscription(Subscription):
    """Sends the events after `cursor`, without end or until one run's terminal event.

    What it has sent is always the log from the first cursor on, in order, nothing twice and
    nothing left out: each step reads past the cursor, then moves it. A client that reads too
    slowly for the shared buffer is caught up from the table, compacted. `head` is the log's
    last number at the join: a cursor past it belongs to another life of the database, so the
    client is told to start over.
    """

    __slots__ = ("_broken", "_in_step", "_reading", "_synced", "buffer", "cursor", "head", "run")

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
        self._synced = False
        self._in_step = False
        self._broken: Exception | None = None
        self.buffer = buffer
        self.conversation_id = buffer.conversation_id
        self.head = head
        self.cursor = cursor
        self.run = run

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """Yields frames of Server-Sent Events from the cursor on, until the subscription is
        finished: first what was missed, then `sync`, then new events as they come.
        """
        if self.cursor > self.head:
            self.cursor = 0
            yield sse.RESYNC
        try:
            while self.end is None:
                if self._reading or self._is_behind():
                    data = await self._caught_up()
                else:
                    data = self._from_buffer()
                if not self._synced and self._is_live():
                    self._synced = True
                    data += self._sync()
                if self._synced:
                    data += self._news()
                if not data and self.end is None and self.cursor >= self.buffer.head:
                    data = await self._wait()
                if self._broken:
                    raise self._broken
                if data:
                    self.last_sent = self._hub.now
                    yield data
        finally:
            if self._reading:
                self._reading.cancel()
        if self.end:
            yield self.end

    def hear(self) -> None:
        """Sends what the buffer has got, if the client waits for it with nothing else under way;
        or wakes the response's task, which does so."""
        if not self._waits_for_more():
            self.wake()
            return
        assert self.outlet
        try:
            if data := self._from_buffer():
                self.last_sent = self._hub.now
                self.outlet.send(data)
        except Exception as error:  # of this response, and not of those who hear next
            self._broken = error
        if self._broken or self.end is not None:
            self.wake()

    def _waits_for_more(self) -> bool:
        return (
            self.outlet is not None
            and self.outlet.is_free
            and self._waiter is not None
            and self._synced
            and self._broken is None  # it lacks rows that it has passed
            and self.end is None  # one that was revoked is sent no word more
            and not self._is_behind()
        )

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
        in_step, self._in_step = self._in_step, True
        return await self.buffer.history.page(self.cursor, self._page, alone=in_step)

    async def _page(self, after: int, most: int | None = None) -> CatchUp:
        # The floor is taken before the read: rows that leave the buffer during it may be
        # missing from the page, and are read next time.
        floor = self.buffer.floor
        rows, more = await self._history(after, most)
        return CatchUp(rows, more, floor)

    async def _history(self, after: int, most: int | None) -> tuple[list[StoredEvent], bool]:
        return await self._hub.catch_up(self.buffer.conversation_id, after, most)

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
