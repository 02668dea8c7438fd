"""Follows the events of a conversation or of one answer as they are written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.utils.asyncio import async_unsafe

from streams.exceptions import BadCursor
from streams.log import OneRun, StoredEvent

from .log_reader import LogReader, log_reader


@dataclass(frozen=True, slots=True)
class Event:
    """One numbered event of a conversation; docs/reference/events.md describes `data`.

    `seq` is the cursor to continue from. Deltas read together come as one event with the number of
    the last. If `replaces` is true, the delta's text replaces the block's text so far; otherwise it
    is appended.
    """

    seq: int
    type: str
    data: Mapping[str, Any]
    run: UUID | None = None
    replaces: bool = False

    @property
    def text(self) -> str:
        """The text of a `block.delta` or `message.created`; "" for any other event."""
        return str(self.data.get("text", ""))


class Follow:
    """The events after a cursor, in order, none missing and none twice, for `for` and `async for`.

    It ends after one run's terminal event, or never. Raises BadCursor if the cursor is no number of
    this log, and NotFound once the conversation is deleted. While PostgreSQL is away it waits.
    """

    def __init__(self, conversation_id: int, after: int, run: OneRun | None = None) -> None:
        if after < 0:
            raise BadCursor("`after` is the number of an event, or 0 for all of them.")
        self._conversation_id = conversation_id
        self._after = after
        self._run = run

    @async_unsafe
    def __iter__(self) -> Iterator[Event]:
        cursor = self._after
        with log_reader() as reader:
            while rows := reader.wait_for(self._rows(reader, cursor)):
                for row in rows:
                    cursor, before = row.seq, cursor
                    if self._shows(row):
                        yield event_of(row, before)
                        if self._is_last(row):
                            return

    async def __aiter__(self) -> AsyncIterator[Event]:
        cursor = self._after
        with log_reader() as reader:
            while rows := await reader.finished(self._rows(reader, cursor)):
                for row in rows:
                    cursor, before = row.seq, cursor
                    if self._shows(row):
                        yield event_of(row, before)
                        if self._is_last(row):
                            return

    def _rows(self, reader: LogReader, cursor: int) -> Coroutine[Any, Any, list[StoredEvent]]:
        return reader.rows_past(cursor, self._conversation_id, self._run.id if self._run else None)

    def _is_last(self, row: StoredEvent) -> bool:
        return bool(self._run and self._run.ends_with(row.run_id, row.type))

    def _shows(self, row: StoredEvent) -> bool:
        return self._run is None or self._run.shows(row.run_id, row.type, row.data)


def event_of(row: StoredEvent, cursor: int) -> Event:
    """Makes the event for a reader that has everything up to `cursor`."""
    data = orjson.loads(row.data)
    run = UUID(data["run"]) if "run" in data else None
    return Event(row.seq, row.type, data, run, data.get("from", row.seq) <= cursor)
