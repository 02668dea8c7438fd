"""A bounded buffer of one conversation's newest events, encoded once for all its readers."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import orjson

from ..log import OneRun, StoredEvent
from ..log.transcript import Row
from . import sse
from .shared_history import SharedHistory

if TYPE_CHECKING:
    from .log_subscription import LogSubscription

MOST_PARSED = 100  # events that are kept so: what comes at once
NOTHING_PARSED: tuple[tuple[int, int], list[Row]] = (-1, -1), []


class EventBuffer:
    """Holds the events after `floor` up to `head`; drops the oldest beyond its rows or bytes.
    `expected` is the log's last number when it was made: before that is here nobody is up to date.

    Readers hold a cursor into it and wait to be woken, so no reader has a queue that could grow.
    """

    __slots__ = ("_frames", "_joined", "_joined_size", "_parsed", "_seqs", "_size",
                 "conversation_id", "expected", "floor", "head", "history", "most_bytes",
                 "most_rows", "streams")  # fmt: skip

    def __init__(
        self, conversation_id: int, head: int, most_rows: int, most_bytes: int, expected: int = 0
    ) -> None:
        self.conversation_id = conversation_id
        self.floor = self.head = head
        self.expected = expected
        self.most_rows = most_rows
        self.most_bytes = most_bytes
        self.streams: set[LogSubscription] = set()
        self.history = SharedHistory()
        self._seqs: list[int] = []
        self._frames: list[tuple[int | None, str, bytes]] = []
        self._size = 0
        self._joined: dict[int, bytes] = {}
        self._joined_size = 0
        self._parsed = NOTHING_PARSED

    def extend(self, rows: list[StoredEvent]) -> None:
        """Adds newer rows, in number order, and has every reader hear of them."""
        for seq, run_id, type, data in rows:
            if seq <= self.head:
                continue
            frame = sse.frame(seq, type, data)
            self._seqs.append(seq)
            self._frames.append((run_id, type, frame))
            self._size += len(frame)
            self.head = seq
        self._joined.clear()
        self._joined_size = 0
        self._parsed = NOTHING_PARSED
        if len(self._seqs) > self.most_rows or self._size > self.most_bytes:
            self._trim()
        for stream in self.streams:
            stream.hear()

    @property
    def is_filling(self) -> bool:
        return self.head < self.expected

    def skip(self) -> None:
        """Begins at `expected`, since the rows before it are missing or cannot be read here;
        a subscription that lacks them reads them by itself.
        """
        self.floor = self.head = self.expected
        self._seqs.clear()
        self._frames.clear()
        self._size = 0
        self.extend([])

    def _trim(self) -> None:
        """Drops the oldest rows down to half, so that one copy of the rest serves many rows."""
        while self._seqs and (
            len(self._seqs) > self.most_rows // 2 or self._size > self.most_bytes // 2
        ):
            drop = max(1, len(self._seqs) // 4)
            self.floor = self._seqs[drop - 1]
            self._size -= sum(len(frame) for _, _, frame in self._frames[:drop])
            del self._seqs[:drop], self._frames[:drop]

    def holds(self, cursor: int) -> bool:
        return cursor >= self.floor

    def lag(self, cursor: int) -> int:
        """Counts the buffered rows after the cursor."""
        return len(self._seqs) - bisect_right(self._seqs, cursor)

    def after(self, cursor: int) -> bytes:
        """Returns all frames after the cursor, joined once for all readers at that cursor."""
        joined = self._joined.get(cursor)
        if joined is None:
            at = bisect_right(self._seqs, cursor)
            joined = b"".join(frame for _, _, frame in self._frames[at:])
            self._remember(cursor, joined)
        return joined

    def _remember(self, cursor: int, joined: bytes) -> None:
        """Keeps a joined result, within `most_bytes` in all: slow readers may stand at any
        cursor.
        """
        self._joined_size += len(joined)
        if self._joined_size > self.most_bytes:
            self._joined.clear()
            self._joined_size = len(joined)
        self._joined[cursor] = joined

    def of_run(self, cursor: int, run: OneRun) -> tuple[bytes, bool]:
        """Returns the frames of one run after the cursor, and whether it has ended with them."""
        at = bisect_right(self._seqs, cursor)
        frames, ended = [], False
        for run_id, type, frame in self._frames[at:]:
            if run.may_show(run_id, type) and run.shows(run_id, type, sse.data_of(frame)):
                frames.append(frame)
                ended = ended or run.ends_with(run_id, type)
        return b"".join(frames), ended

    def rows_of_run(self, cursor: int, run_id: int) -> list[Row]:
        """Returns the events of one run after the cursor. Those that have just come are parsed once
        for all readers at that cursor, which leave their data as it is."""
        place, known = self._parsed
        if place == (cursor, run_id):
            return known
        seqs, frames, rows = self._seqs, self._frames, []
        for at in range(bisect_right(seqs, cursor), len(seqs)):
            run, type, frame = frames[at]
            if run == run_id:
                rows.append(Row(seqs[at], type, orjson.loads(sse.data_of(frame))))
        if len(rows) <= MOST_PARSED:
            self._parsed = (cursor, run_id), rows
        return rows
