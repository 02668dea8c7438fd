"""One hub a web process: hears what is new, reads it once, and wakes who follows it.

The listener only marks conversations; the fetcher reads the new rows of all marked ones
that have followers here in one query. A signal is a hint: everything is also looked at on
a slow timer and after every reconnect.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial

import psycopg

from . import log, notify, sse, vitals
from .conf import Streams
from .database import INDEXED, connect, pool, renew_djangos
from .epoch import Life, life_of, renew
from .feed import Feeds
from .limits import Seats
from .listen import BACKOFF, Listener
from .log import Stored
from .presence import Presence
from .rooms import kept
from .stream import Response, Stream
from .tail import Tail
from .watch import Watch

logger = logging.getLogger(__name__)


class Hub:
    """Connections: one listens, one reads what is new, at most two serve joins."""

    def __init__(self, conf: Streams) -> None:
        self.conf = conf
        self.now = time.monotonic()
        self.life = Life("", "")
        self.known = asyncio.Event()  # of the epoch: before that no stream can be told it
        self.closing = False
        self.seats = Seats(conf)
        self.watch = Watch()
        self.pool = pool("joins", most=2)
        self.listener = Listener("hub", notify.HUBS, self._heard, self._listening)
        self.feeds = Feeds(conf, self.pool)
        self.presence = Presence(conf, self.pool, self._presence_changed)
        self._alone: set[Response] = set()
        self._tails: dict[int, Tail] = {}
        self._marked: set[int] = set()
        self._news = asyncio.Event()
        self._rooms: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.pool.open()
        check = partial(self.listener.keep_checked, self.pool, self.conf.rescan)
        watch, again = partial(vitals.watch, self.pool), partial(self.feeds.rescan, self.listener)
        own = (self.listener.run, self._fetch, self._tick, self._rescan)
        asides = (self.feeds.run, self.presence.run, check, again, watch)
        self._rooms = [asyncio.create_task(kept(room)) for room in (*own, *asides)]

    def bye(self) -> None:
        """The process is going: every stream says so and ends."""
        self.closing = True
        for stream in self.streams:
            stream.finish(sse.BYE)

    async def close(self) -> None:
        self.bye()
        for room in self._rooms:
            room.cancel()
        await asyncio.gather(*self._rooms, return_exceptions=True)
        await self.pool.close()

    def join(
        self,
        conversation_id: int,
        head: int,
        cursor: int,
        device_id: int,
        user_id: int,
        run_id: int | None = None,
    ) -> Stream:
        """Subscribe first, read past the cursor later: nothing falls in between.

        Raises TooManyStreams.
        """
        self.seats.take(user_id, device_id)
        tail = self._tails.get(conversation_id)
        if tail is None:
            tail = Tail(conversation_id, head, self.conf.tail_events, self.conf.tail_bytes)
            self._tails[conversation_id] = tail
        stream = Stream(self, tail, head, cursor, device_id, run_id, user_id)
        stream.admission = self.watch.admission(device_id)
        tail.streams.add(stream)
        self._mark(conversation_id)
        if self.closing:
            stream.finish(sse.BYE)
        return stream

    def join_alone(self, device_id: int, user_id: int) -> Response:
        """For what is said beside any conversation. Raises TooManyStreams."""
        self.seats.take(user_id, device_id)
        response = Response(self, device_id, user_id)
        response.admission = self.watch.admission(device_id)
        self._alone.add(response)
        if self.closing:
            response.finish(sse.BYE)
        return response

    def leave(self, stream: Response) -> None:
        self.seats.free(stream.user_id, stream.device_id)
        for aside in stream.asides:
            aside.leave()
        self._alone.discard(stream)
        if isinstance(stream, Stream):
            stream.tail.streams.discard(stream)
            if not stream.tail.streams and self._is_current(stream.tail):
                del self._tails[stream.tail.conversation_id]

    @property
    def streams(self) -> list[Response]:
        return [*self._alone, *(one for tail in self._tails.values() for one in tail.streams)]

    async def catch_up(self, conversation_id: int, after: int) -> tuple[list[Stored], bool]:
        """History for a join; waits for PostgreSQL as long as the client does."""
        failures = 0
        while True:
            try:
                async with self.pool.connection() as connection:
                    return await log.catch_up(
                        connection, conversation_id, after,
                        self.conf.catch_up_rows, self.conf.catch_up_bytes,
                    )  # fmt: skip
            except psycopg.OperationalError as error:
                logger.warning("hub: catching up waits for PostgreSQL: %s", error)
                await asyncio.sleep(BACKOFF[min(failures, len(BACKOFF) - 1)])
                failures += 1

    def _heard(self, channel: str, payload: str) -> None:
        if channel == notify.ACCESS:
            self.watch.heard(payload, self.streams)
            return
        if channel == notify.FEED:
            self.feeds.mark(int(payload))
            return
        if channel == notify.PRESENCE:
            self.presence.heard(payload)
            return
        for pair in payload.split():
            conversation_id, _, head = pair.partition(":")
            tail = self._tails.get(int(conversation_id))
            if tail is not None and int(head) > tail.head:
                self._mark(tail.conversation_id)

    def _presence_changed(self, conversation_id: int) -> None:
        if tail := self._tails.get(conversation_id):
            for stream in tail.streams:
                stream.wake()

    def _listening(self) -> None:
        """From now on; what was said before went unheard."""
        self._joined()
        self.feeds.mark_all()
        self.presence.ask()

    def _joined(self) -> None:
        self._mark(*self._tails)

    def _mark(self, *conversation_ids: int) -> None:
        self._marked.update(conversation_ids)
        self._news.set()

    async def _fetch(self) -> None:
        failures = 0
        while True:
            try:
                async with await connect("hub", **INDEXED) as connection:
                    await self._recognise(connection)
                    failures = 0
                    renew_djangos()
                    await self._fetch_through(connection)
            except (psycopg.Error, OSError) as error:
                logger.warning("hub: reading waits for PostgreSQL: %s", error)
                await asyncio.sleep(BACKOFF[min(failures, len(BACKOFF) - 1)])
                failures += 1
                self._joined()

    @property
    def epoch(self) -> str:
        return self.life.epoch

    async def _recognise(self, connection: psycopg.AsyncConnection) -> None:
        """What is open was told of another log where the epoch has changed: it comes back."""
        before = self.life
        life = await life_of(connection)
        if life.epoch == before.epoch and 0 < life.wal < before.wal:
            await renew(connection, life)
            life = await life_of(connection)
        if before.epoch and life.epoch != before.epoch:
            logger.warning("hub: this is another database than before; streams begin anew")
            for stream in self.streams:
                stream.finish(sse.BYE)
            self._tails.clear()
        self.life = life
        self.known.set()

    async def _fetch_through(self, connection: psycopg.AsyncConnection) -> None:
        limit = self.conf.tail_events
        while True:
            await self._news.wait()
            self._news.clear()
            marked, self._marked = self._marked, set()
            tails = {pk: self._tails[pk] for pk in marked if pk in self._tails}
            if not tails:
                continue
            cursors = {pk: tail.head for pk, tail in tails.items()}
            for pk, rows in (await log.read_new(connection, cursors, limit)).items():
                # Not one made meanwhile: it may begin before these rows, and take what lies
                # between for folded. It was marked when it was made.
                if self._is_current(tails[pk]):
                    tails[pk].extend(rows)
                if len(rows) == limit:
                    self._mark(pk)

    def _is_current(self, tail: Tail) -> bool:
        return self._tails.get(tail.conversation_id) is tail

    async def _tick(self) -> None:
        """One clock for everyone's heartbeat; a timer each would cost more than the pings."""
        while True:
            await asyncio.sleep(1)
            self.now = time.monotonic()
            self.presence.expire()
            for stream in self.streams:
                if self.now - stream.last_sent >= self.conf.ping:
                    stream.wake()

    async def _rescan(self) -> None:
        """The slow look behind the signals; a quick one while nothing can be heard."""
        while True:
            await asyncio.sleep(self.conf.polling if self.listener.deaf else self.conf.rescan)
            self._joined()
            try:
                async with self.pool.connection() as connection:
                    await self._recognise(connection)
                    await self.watch.recheck(connection, self.streams)
            except psycopg.Error as error:
                logger.warning("hub: rescan waits for PostgreSQL: %s", error)
