"""The feed: a person's list of conversations, live on every page.

A notification names a person whose list has changed. The lists of all such people with readers in
this process are read in one query and compared with the last reading; the differences are sent. A
reader holds the number of the reading it has seen, not a queue: one that is slow skips states that
were replaced meanwhile, and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Protocol

import psycopg
from psycopg_pool import AsyncConnectionPool

from ..conf import Settings
from ..conversation_list_query import (
    LISTED,
    PINNED_MOST,
    WAITING_MOST,
    ListedConversation,
    list_parameters,
    listed_by_person,
    of_each,
)
from ..postgres.listener import Listener
from . import sse

logger = logging.getLogger(__name__)

PEOPLE_A_QUERY = 200
AHEAD = PINNED_MOST + WAITING_MOST  # of the first page


class Reader(Protocol):
    def wake(self) -> None: ...


class Feed:
    """One person's list as it was last read, with the reading in which each entry last changed."""

    __slots__ = ("_changed", "_frames", "_lines", "_most", "followers", "person", "reading")

    def __init__(self, person: str, most: int) -> None:
        self.person = person
        self.followers: set[Reader] = set()
        self.reading = 0
        self._most = most
        self._lines: dict[str, ListedConversation] = {}
        self._changed: dict[str, int] = {}  # also of lines that have gone
        self._frames: dict[int, bytes] = {}

    def take(self, entries: Iterable[ListedConversation]) -> None:
        """Stores a new reading, and wakes the readers if it differs from the last one."""
        before, self._lines = self._lines, {entry.id: entry for entry in entries}
        different = [id for id in {**before, **self._lines} if before.get(id) != self.entry(id)]
        if not different and self.reading:
            return
        self.reading += 1
        self._frames.clear()
        for id in different:
            self._changed.pop(id, None)
            self._changed[id] = self.reading
        self._forget()
        for follower in self.followers:
            follower.wake()

    def entry(self, id: str) -> ListedConversation | None:
        return self._lines.get(id)

    def _forget(self) -> None:
        """Who is further behind than this is told everything, which is no more."""
        for id in list(self._changed)[: -2 * self._most]:
            del self._changed[id]

    def since(self, reading: int) -> bytes:
        """A frame with what has changed since that reading; 0 has seen nothing."""
        if reading not in self._frames:
            ids = [id for id, changed in self._changed.items() if changed > reading]
            whole = reading == 0 or len(ids) >= 2 * self._most
            self._frames[reading] = self._snapshot() if whole else self._changes(ids)
        return self._frames[reading]

    def _snapshot(self) -> bytes:
        entries = [entry.as_dict() for entry in self._lines.values()]
        return sse.unnumbered("feed", snapshot=entries)

    def _changes(self, ids: list[str]) -> bytes:
        entries = [entry.as_dict() for id in ids if (entry := self._lines.get(id))]
        gone = [each for each in ids if each not in self._lines]
        return sse.unnumbered("feed", changed=entries, gone=gone)


class FeedChannel:
    """One response's position in a feed."""

    def __init__(self, feeds: Feeds, feed: Feed, reader: Reader) -> None:
        self.feed = feed
        self._feeds = feeds
        self._reader = reader
        self._reading = 0

    def leave(self) -> None:
        self._feeds.leave(self.feed, self._reader)

    def news(self) -> bytes:
        if self._reading == self.feed.reading:
            return b""
        reading, self._reading = self._reading, self.feed.reading
        return self.feed.since(reading)


class Feeds:
    """The feeds of everyone who has a page open in this process."""

    def __init__(self, conf: Settings, pool: AsyncConnectionPool) -> None:
        self.conf = conf
        self._pool = pool
        self._feeds: dict[str, Feed] = {}
        self._marked: set[str] = set()
        self._news = asyncio.Event()

    def follow(self, person: str, reader: Reader) -> FeedChannel:
        feed = self._feeds.get(person)
        if feed is None:
            feed = self._feeds[person] = Feed(person, self.conf.page_size + AHEAD)
        feed.followers.add(reader)
        self.mark(person)
        return FeedChannel(self, feed, reader)

    def leave(self, feed: Feed, reader: Reader) -> None:
        feed.followers.discard(reader)
        if not feed.followers and self._feeds.get(feed.person) is feed:
            del self._feeds[feed.person]

    def mark(self, *people: str) -> None:
        here = [person for person in people if person in self._feeds]
        if here:
            self._marked.update(here)
            self._news.set()

    def mark_all(self) -> None:
        self.mark(*self._feeds)

    async def run(self) -> None:
        """Read what is marked, in batches that make themselves while a reading rests."""
        while True:
            await self._news.wait()
            self._news.clear()
            marked, self._marked = self._marked, set()
            try:
                await self._read([person for person in marked if person in self._feeds])
            except psycopg.Error as error:
                logger.warning("feed: reading waits for PostgreSQL: %s", error)
                await asyncio.sleep(1)
                self.mark(*marked)
            await asyncio.sleep(self.conf.feed_floor)

    async def _read(self, marked: list[str]) -> None:
        for at in range(0, len(marked), PEOPLE_A_QUERY):
            people = marked[at : at + PEOPLE_A_QUERY]
            async with self._pool.connection() as connection:
                cursor = await connection.execute(
                    of_each(LISTED), list_parameters(people, self.conf.page_size)
                )
                found = listed_by_person(await cursor.fetchall())
            for person in people:
                if feed := self._feeds.get(person):
                    feed.take(found.get(person, []))

    async def rescan(self, listener: Listener) -> None:
        """The slow look behind the signals; a quicker one while nothing can be heard."""
        looked = time.monotonic()
        while True:
            await asyncio.sleep(self.conf.stream_rescan)
            if listener.deaf or time.monotonic() - looked >= self.conf.feed_rescan:
                looked = time.monotonic()
                self.mark_all()
