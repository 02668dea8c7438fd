"""The buffers of all conversations that are followed here, and how new rows come into them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import AsyncConnection

from .. import log
from ..conf import Settings
from .event_buffer import EventBuffer

if TYPE_CHECKING:
    from .log_subscription import LogSubscription

CLOSE = 40  # rows behind the log's end that a new buffer begins with
FILLED_AT_ONCE = 20


class Buffers:
    """One buffer for each conversation with followers. One that is marked may have new rows."""

    def __init__(self, conf: Settings) -> None:
        self.conf = conf
        self._all: dict[int, EventBuffer] = {}
        self._marked: set[int] = set()
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._all)

    def get(self, conversation_id: int) -> EventBuffer | None:
        return self._all.get(conversation_id)

    @property
    def streams(self) -> Iterator[LogSubscription]:
        return (stream for buffer in self._all.values() for stream in buffer.streams)

    def joined(self, conversation_id: int, head: int, cursor: int) -> EventBuffer:
        """Returns the buffer for one who joins at `cursor`, and marks it."""
        buffer = self._all.get(conversation_id) or self._begun(conversation_id, head, cursor)
        self.mark(conversation_id)
        return buffer

    def _begun(self, conversation_id: int, head: int, cursor: int) -> EventBuffer:
        """Begins a buffer for a conversation's first subscriber. If the subscriber lacks few rows,
        the buffer begins with them: they are read with other conversations' in one query.
        """
        begin = cursor if 0 < head - cursor <= CLOSE else head
        most = self.conf.tail_events, self.conf.tail_bytes
        buffer = EventBuffer(conversation_id, begin, *most, expected=head)
        self._all[conversation_id] = buffer
        return buffer

    def left(self, buffer: EventBuffer) -> None:
        if not buffer.streams and self._is_current(buffer):
            del self._all[buffer.conversation_id]

    def clear(self) -> None:
        self._all.clear()

    def grew(self, payload: str) -> None:
        for pair in payload.split():
            conversation_id, _, head = pair.partition(":")
            if (buffer := self._all.get(int(conversation_id))) and int(head) > buffer.head:
                self.mark(buffer.conversation_id)

    def mark(self, *conversation_ids: int) -> None:
        self._marked.update(conversation_ids)
        self._news.set()

    def mark_all(self) -> None:
        self.mark(*self._all)

    async def fetch_through(self, connection: AsyncConnection) -> None:
        """Reads the new rows of all marked conversations in one query, again and again."""
        limit = self.conf.tail_events
        while True:
            await self._news.wait()
            self._news.clear()
            buffers = self._taken()
            if not buffers:
                continue
            cursors = {pk: buffer.head for pk, buffer in buffers.items()}
            found = await log.read_new(connection, cursors, limit)
            for pk, buffer in buffers.items():
                # Not one made meanwhile: it may begin before these rows, and take what lies
                # between for compacted. It was marked when it was made.
                if not self._is_current(buffer):
                    continue
                rows = found.get(pk, [])
                if rows:
                    buffer.extend(rows)
                if len(rows) == limit:
                    self.mark(pk)
                elif buffer.is_filling:
                    buffer.skip()

    def _taken(self) -> dict[int, EventBuffer]:
        """Takes the marked buffers, but only some of the buffers that are still being filled, since
        the size of their rows is unknown.
        """
        marked, self._marked = self._marked, set()
        buffers = {pk: self._all[pk] for pk in marked if pk in self._all}
        for pk in [pk for pk, buffer in buffers.items() if buffer.is_filling][FILLED_AT_ONCE:]:
            del buffers[pk]
            self.mark(pk)
        return buffers

    def _is_current(self, buffer: EventBuffer) -> bool:
        return self._all.get(buffer.conversation_id) is buffer
