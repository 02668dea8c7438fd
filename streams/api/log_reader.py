"""Reads logs in any process: a web worker, a task queue, a shell.

All readers of a process share one thread with an event loop, one listening connection and at most
two that read. It starts with the first reader and ends with the last.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from psycopg import AsyncConnection

from streams import log
from streams.conf import Settings, conf
from streams.exceptions import BadCursor, NotFound
from streams.log import StoredEvent
from streams.models import Run
from streams.postgres import channels
from streams.postgres.availability import persist
from streams.postgres.connections import pool
from streams.postgres.listener import Listener
from streams.supervision import cancel_and_wait

T = TypeVar("T")

RETRY_EVERY = 0.5  # seconds, while PostgreSQL is away

STANDING = """
SELECT c.last_seq, r.status FROM streams_conversation c
  LEFT JOIN streams_run r ON r.id = %(run)s
 WHERE c.id = %(conversation)s AND c.deleted_at IS NULL
"""


class LogReader:
    """A thread that listens and reads for everyone who follows or waits in this process."""

    def __init__(self, conf: Settings) -> None:
        self.conf = conf
        self.users = 0
        self._loop = asyncio.new_event_loop()
        self._pool = pool("api", most=2)
        heard = (channels.LOG, channels.FEED, channels.ACCESS)
        self._listener = Listener("api", heard, self._heard, self._wake_all)
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._leaving = asyncio.Event()
        threading.Thread(target=self._run, name="streams-log-reader", daemon=True).start()

    def wait_for(self, reading: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Returns what `reading` returns, in a thread without an event loop. Raises
        TimeoutError.
        """
        future = asyncio.run_coroutine_threadsafe(reading, self._loop)
        try:
            return future.result(timeout)
        finally:
            future.cancel()

    async def finished(self, reading: Coroutine[Any, Any, T]) -> T:
        """Returns what `reading` returns, in the caller's event loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(reading, self._loop))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._leaving.set)

    async def rows_past(
        self, cursor: int, conversation_id: int, run_id: int | None
    ) -> list[StoredEvent]:
        """Returns the next rows after the cursor, at least one; none if the run has ended before
        it.
        """

        async def look(connection: AsyncConnection) -> list[StoredEvent] | None:
            found = await connection.execute(
                STANDING, {"conversation": conversation_id, "run": run_id}
            )
            if (row := await found.fetchone()) is None:
                raise NotFound("This conversation has been deleted.")
            head, status = row
            if cursor > head:
                raise BadCursor(f"This log ends at {head}: {cursor} is of another one.")
            if cursor == head:
                return None if run_id is None or status in Run.OPEN else []
            page = self.conf.catch_up_rows, self.conf.catch_up_bytes
            return (await log.catch_up(connection, conversation_id, cursor, *page))[0] or None

        with self._woken_by(f"log {conversation_id}") as news:
            while (rows := await self._asked(look)) is None:
                await self._until(news)
            return rows

    async def run_ended(self, run_id: int, owner: str) -> None:
        """Returns once the run has ended; its person's list of conversations changes at that
        moment.
        """

        async def look(connection: AsyncConnection) -> bool:
            found = await connection.execute(
                "SELECT status FROM streams_run WHERE id = %s", [run_id]
            )
            if (row := await found.fetchone()) is None:
                raise NotFound("This answer has been deleted.")
            return row[0] not in Run.OPEN

        with self._woken_by(f"feed {owner}") as news:
            while not await self._asked(look):
                await self._until(news)

    async def _asked(self, look: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        return await persist(self._pool, RETRY_EVERY, look)

    async def _until(self, news: asyncio.Event) -> None:
        """Waits for a signal, or until it is time to look without one."""
        conf, deaf = self.conf, self._listener.deaf
        every = conf.stream_rescan_unsignalled if deaf else conf.stream_rescan
        with suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), every)
        news.clear()

    @contextmanager
    def _woken_by(self, what: str) -> Iterator[asyncio.Event]:
        news = asyncio.Event()
        self._waiting.setdefault(what, set()).add(news)
        try:
            yield news
        finally:
            self._waiting[what].discard(news)
            if not self._waiting[what]:
                del self._waiting[what]

    def _heard(self, channel: str, payload: str) -> None:
        if channel == channels.LOG:
            for pair in payload.split():
                self._wake(f"log {pair.partition(':')[0]}")
        elif channel == channels.FEED:
            self._wake(f"feed {payload}")
        elif payload.startswith("conversation "):
            self._wake(f"log {payload.removeprefix('conversation ')}")

    def _wake(self, what: str) -> None:
        for news in self._waiting.get(what, ()):
            news.set()

    def _wake_all(self) -> None:
        for what in self._waiting:
            self._wake(what)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        await self._pool.open()
        works = (
            self._listener.run(),
            self._listener.keep_checked(self._pool, self.conf.stream_rescan),
        )
        listening = [asyncio.create_task(work) for work in works]
        await self._leaving.wait()
        await cancel_and_wait(listening)
        await self._pool.close()


_sharing = threading.Lock()
_reader: LogReader | None = None


@contextmanager
def log_reader() -> Iterator[LogReader]:
    """Gives the process's reader for as long as anybody needs it."""
    global _reader
    with _sharing:
        reader = _reader = _reader or LogReader(conf())
        reader.users += 1
    try:
        yield reader
    finally:
        with _sharing:
            reader.users -= 1
            if not reader.users:
                reader.close()
                _reader = None if _reader is reader else _reader


def forget_reader() -> None:
    """Drops the parent's reader in a forked process, which does not have its thread."""
    global _sharing, _reader
    _sharing, _reader = threading.Lock(), None


os.register_at_fork(after_in_child=forget_reader)
