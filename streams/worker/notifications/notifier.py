"""Sends notices of a run to webhooks and to people's devices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from psycopg_pool import AsyncConnectionPool

from ...conf import Settings
from . import notice
from .notice import Channel, Notice
from .web_push import WebPush, public_connector
from .webhooks import Webhook

logger = logging.getLogger(__name__)


class Notifier:
    """All channels that are set up. One that fails holds up no other, and is tried again alone."""

    def __init__(self, pool: AsyncConnectionPool, channels: list[Channel]) -> None:
        self._pool = pool
        self._channels = channels

    def __bool__(self) -> bool:
        return bool(self._channels)

    async def tell(self, delivery: int, done: Iterable[str]) -> tuple[set[str], bool]:
        """Returns, as a channel's `tell`, who has been told and whether nobody is left."""
        async with self._pool.connection() as connection:
            told = await notice.read(connection, delivery)
        if told is None:
            return set(), True
        went = await asyncio.gather(*(told_by(each, told, done) for each in self._channels))
        names = set().union(*(names for names, _ in went))
        return names, all(complete for _, complete in went)


async def told_by(channel: Channel, told: Notice, done: Iterable[str]) -> tuple[set[str], bool]:
    """One that breaks, as with a key that signs nothing, leaves what others were told as it is."""
    try:
        return await channel.tell(told, done)
    except Exception:
        logger.exception("%s could not be told of %s", type(channel).__name__, told.id)
        return set(), False


@asynccontextmanager
async def open_notifier(pool: AsyncConnectionPool, conf: Settings) -> AsyncIterator[Notifier]:
    """Opens the channels that are set up."""
    if not conf.webhooks and not conf.push:
        yield Notifier(pool, [])
        return
    import aiohttp  # of the extras that the settings need

    timeout = aiohttp.ClientTimeout(total=conf.telling_seconds)
    async with AsyncExitStack() as opened:
        session = await opened.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        channels: list[Channel] = [
            Webhook(name, options, session, pool) for name, options in conf.webhooks.items()
        ]
        if conf.push:
            public = aiohttp.ClientSession(
                connector=public_connector(), cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout
            )
            await opened.enter_async_context(public)
            channels.append(WebPush(pool, conf.push, public))
        yield Notifier(pool, channels)
