"""The events of a conversation or of one answer, as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.utils.asyncio import async_unsafe

from streams.exceptions import BadCursor
from streams.log import Stored

from .log_reader import LogReader, log_reader

TERMINAL = frozenset({"run.completed", "run.failed", "run.cancelled"})


@dataclass(frozen=True, slots=True)
class Event:
    """One numbered event of a conversation, as docs/reference/events.md describes its `data`.

    `seq` is the cursor to go on from. Deltas that were there together come as one, whose `seq` is
    the last one's. Where `replaces` is true, the delta's text stands for the whole of its block so
    far; otherwise it is appended.
    """

    seq: int
    type: str
    data: Mapping[str, Any]
    run: UUID | None = None
    replaces: bool = False

    @property
    def text(self) -> str:
        """What a `block.delta` or a `message.created` says; of any other event nothing."""
        return str(self.data.get("text", ""))


class Follow:
    """Events past a cursor, in order, none missing and none twice: `for` and `async for` alike.

    Endless, or to the end of one run. Raises BadCursor for a cursor that is no number of this log
    and NotFound once the conversation is deleted; PostgreSQL away is waited out.
    """

    def __init__(self, conversation_id: int, after: int, run_id: int | None = None) -> None:
        if after < 0:
            raise BadCursor("`after` is the number of an event, or 0 for all of them.")
        self._conversation_id = conversation_id
        self._after = after
        self._run_id = run_id

    @async_unsafe
    def __iter__(self) -> Iterator[Event]:
        cursor = self._after
        with log_reader() as reader:
            while rows := reader.wait_for(self._rows(reader, cursor)):
                for row in rows:
                    cursor, before = row.seq, cursor
                    if self._run_id in (None, row.run_id):
                        yield event_of(row, before)
                        if self._is_last(row):
                            return

    async def __aiter__(self) -> AsyncIterator[Event]:
        cursor = self._after
        with log_reader() as reader:
            while rows := await reader.finished(self._rows(reader, cursor)):
                for row in rows:
                    cursor, before = row.seq, cursor
                    if self._run_id in (None, row.run_id):
                        yield event_of(row, before)
                        if self._is_last(row):
                            return

    def _rows(self, reader: LogReader, cursor: int) -> Coroutine[Any, Any, list[Stored]]:
        return reader.rows_past(cursor, self._conversation_id, self._run_id)

    def _is_last(self, row: Stored) -> bool:
        return self._run_id is not None and row.type in TERMINAL


def event_of(row: Stored, cursor: int) -> Event:
    """The event, for one who has everything up to `cursor`."""
    data = orjson.loads(row.data)
    run = UUID(data["run"]) if "run" in data else None
    return Event(row.seq, row.type, data, run, data.get("from", row.seq) <= cursor)
