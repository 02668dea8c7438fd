"""One hub a web process: hears what is new, reads it once, and wakes who follows it.

The listener only marks conversations; the fetcher reads the new rows of all marked ones
that have followers here in one query. A signal is a hint: everything is also looked at on
a slow timer and after every reconnect.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

import psycopg

from .. import log, queue_health
from ..conf import Settings
from ..log import StoredEvent
from ..models import Device
from ..postgres import channels
from ..postgres.connections import INDEXED, connect, pool, renew_djangos
from ..postgres.epoch_renewal import Life, life_of, renew
from ..postgres.listener import BACKOFF, Listener
from ..quotas import StreamQuota
from ..supervision import cancel_and_wait, restarted
from . import sse
from .buffer_registry import Buffers
from .feed import Feeds
from .log_subscription import LogSubscription
from .presence import Presence
from .revocation import Revocations
from .stream_authentication import recognition
from .subscription import Subscription

logger = logging.getLogger(__name__)


class Hub:
    """Connections: one listens, one reads what is new, at most three serve joins."""

    def __init__(self, conf: Settings) -> None:
        self.conf = conf
        self.now = time.monotonic()
        self.life = Life("", "")
        self.known = asyncio.Event()  # of the epoch: before that no stream can be told it
        self.closing = False
        self.quota = StreamQuota(conf)
        self.revocations = Revocations()
        self.pool = pool("joins", most=2)
        self.recognition = recognition()
        self.listener = Listener("hub", channels.HUBS, self._heard, self._listening)
        self.feeds = Feeds(conf, self.pool)
        self.presence = Presence(conf, self.pool, self._presence_changed)
        self._alone: set[Subscription] = set()
        self.buffers = Buffers(conf)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.pool.open()
        check = partial(self.listener.keep_checked, self.pool, self.conf.stream_rescan)
        again = partial(self.feeds.rescan, self.listener)
        own = (self.listener.run, check, self._fetch, self._tick, self._rescan)
        beside = (self.feeds.run, again, self.presence.run, partial(queue_health.watch, self.pool))
        self._tasks = [asyncio.create_task(restarted(loop)) for loop in (*own, *beside)]

    def bye(self) -> None:
        """The process is going: every stream says so and ends."""
        self.closing = True
        for stream in self.streams:
            stream.finish(sse.BYE)

    async def close(self) -> None:
        self.bye()
        await cancel_and_wait(self._tasks)
        await self.recognition.close()
        await self.pool.close()

    def join(
        self,
        conversation_id: int,
        device: Device,
        *,
        head: int,
        cursor: int,
        run: log.OneRun | None = None,
        kind: Callable[..., LogSubscription] = LogSubscription,
    ) -> LogSubscription:
        """Subscribes `device` to a conversation, or to one run of it, from `cursor` on.

        What is written after the caller read `head`, the log's last number, is delivered too.
        Raises TooManyStreams.
        """
        self.quota.take(device.user_id, device.pk)
        buffer = self.buffers.joined(conversation_id, head, cursor)
        stream = kind(self, buffer, device, head=head, cursor=cursor, run=run)
        stream.admission = self.revocations.admission(device.pk)
        buffer.streams.add(stream)
        if self.closing:
            stream.finish(sse.BYE)
        return stream

    def join_alone(self, device: Device) -> Subscription:
        """Subscribes `device` to its side channels alone. Raises TooManyStreams."""
        self.quota.take(device.user_id, device.pk)
        response = Subscription(self, device)
        response.admission = self.revocations.admission(device.pk)
        self._alone.add(response)
        if self.closing:
            response.finish(sse.BYE)
        return response

    def leave(self, stream: Subscription) -> None:
        self.quota.free(stream.user_id, stream.device_id)
        for side_channel in stream.side_channels:
            side_channel.leave()
        self._alone.discard(stream)
        if isinstance(stream, LogSubscription):
            stream.buffer.streams.discard(stream)
            self.buffers.left(stream.buffer)

    @property
    def streams(self) -> list[Subscription]:
        return [*self._alone, *self.buffers.streams]

    async def catch_up(
        self,
        conversation_id: int,
        after: int,
        most: int | None = None,
        read: log.Page = log.catch_up,
    ) -> tuple[list[StoredEvent], bool]:
        """Reads history for a join, of `most` rows where that is less than a page has; waits for
        PostgreSQL as long as the client does."""
        rows = min(most or self.conf.catch_up_rows, self.conf.catch_up_rows)
        failures = 0
        while True:
            try:
                async with self.pool.connection() as connection:
                    page = rows, self.conf.catch_up_bytes
                    return await read(connection, conversation_id, after, *page)
            except psycopg.OperationalError as error:
                logger.warning("hub: catching up waits for PostgreSQL: %s", error)
                await asyncio.sleep(BACKOFF[min(failures, len(BACKOFF) - 1)])
                failures += 1

    def _heard(self, channel: str, payload: str) -> None:
        if channel == channels.ACCESS:
            self.revocations.heard(payload, self.streams)
        elif channel == channels.FEED:
            self.feeds.mark(payload)
        elif channel == channels.PRESENCE:
            self.presence.heard(payload)
        else:
            self.buffers.grew(payload)

    def _presence_changed(self, conversation_id: int) -> None:
        buffer = self.buffers.get(conversation_id)
        for stream in buffer.streams if buffer else ():
            stream.wake()

    def _listening(self) -> None:
        self.buffers.mark_all()  # what was said before went unheard
        self.feeds.mark_all()
        self.presence.ask()

    async def _fetch(self) -> None:
        failures = 0
        while True:
            try:
                async with await connect("hub", **INDEXED) as connection:
                    await self._recognise(connection)
                    failures = 0
                    renew_djangos()
                    self.buffers.mark_all()  # one that broke may have told nobody
                    await self.buffers.fetch_through(connection)
            except (psycopg.Error, OSError) as error:
                logger.warning("hub: reading waits for PostgreSQL: %s", error)
                await asyncio.sleep(BACKOFF[min(failures, len(BACKOFF) - 1)])
                failures += 1

    @property
    def epoch(self) -> str:
        return self.life.epoch

    async def _recognise(self, connection: psycopg.AsyncConnection) -> None:
        """Ends all streams if the epoch has changed, since they were sent another log; clients come
        back.
        """
        before = self.life
        life = await life_of(connection)
        if life.epoch == before.epoch and 0 < life.wal < before.wal:
            await renew(connection, life)
            life = await life_of(connection)
        if before.epoch and life.epoch != before.epoch:
            logger.warning("hub: this is another database than before; streams begin anew")
            for stream in self.streams:
                stream.finish(sse.BYE)
            self.buffers.clear()
        self.life = life
        self.known.set()

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
            conf, deaf = self.conf, self.listener.deaf
            await asyncio.sleep(conf.stream_rescan_unsignalled if deaf else conf.stream_rescan)
            self.buffers.mark_all()
            try:
                async with self.pool.connection() as connection:
                    await self._recognise(connection)
                    await self.revocations.recheck(connection, self.streams)
            except psycopg.Error as error:
                logger.warning("hub: rescan waits for PostgreSQL: %s", error)
