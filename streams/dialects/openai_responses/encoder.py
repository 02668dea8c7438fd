"""A run's events as the events of a response; pure.

Each event has the number it has on every replay, since all events of the run are encoded from its
first on. Once the run is compacted there are fewer: then the last event, which holds everything,
is sent to any cursor.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple

import orjson

from streams.log.transcript import Row

from .items import Event, Output, framed
from .response import STATUS, Response

TERMINAL = ("run.completed", "run.failed", "run.cancelled", "run.steered")


class Extent(NamedTuple):
    """Which of a run's events a response consists of: all behind `since`, and as far as the run
    waits for calls that its client runs, if that was after the event `decided` or is one of those
    behind which another response has begun. By itself it is all of them.
    """

    since: int = 0
    decided: int = sys.maxsize
    continued: Collection[int] = ()


WHOLE = Extent()


class Encoder:
    """Says a run's events to a client that has seen those up to number `after`."""

    def __init__(self, response: Response, after: int = -1, extent: Extent = WHOLE) -> None:
        self.response = response
        self.over = False
        self._extent = extent
        self._after = after
        self._next = 0
        self._output = Output(response.run)
        self._working = self._compacted = False
        self._ending: list[int] = []  # blocks whose end was said, until it is known what comes next
        self._asks: set[str] = set()  # calls that the client runs and has not answered
        self._answered: set[str] = set()  # that the client has answered to go on with this response
        self._used: Counter[str] = Counter()  # tokens of steps

    def begin(self) -> bytes:
        return self._framed([self._of_response("response.created")])

    def event(self, row: Row) -> bytes:
        """A worker ends what is open before it says that a run was stopped or has failed: so what a
        block's end means is known with the event after it."""
        if self.over:
            return b""
        if row.type == "block.delta" and not self._ending and row.seq > self._extent.since:
            return self._delta(row)
        self._note(row)
        if row.seq <= self._extent.since and row.type not in TERMINAL:
            return b""
        if row.type == "block.ended":
            self._ending.append(row.data["index"])
            return b""
        cut = row.type in ("run.failed", "run.cancelled")
        done = self._output.end(self._ending, "incomplete" if cut else "completed")
        self._ending = []
        self.over = self._waits(row)
        if row.type == "block.delta":
            return self._framed(done) + self._delta(row)
        if row.type not in TERMINAL and not self.over:
            return self._framed([*done, *self._told(row)])
        before = self._framed([*done, *self._output.close()])
        if self._compacted:
            self._next = max(self._next, self._after + 1)
        return before + self._framed([self._of_response(self._ended(row), whole=True)])

    def document(self) -> dict[str, Any]:
        """Returns the response as it stands."""
        return self.response.value(self._output.values())

    def _note(self, row: Row) -> None:
        """Remembers calls, which of them the client runs, and what steps took."""
        if row.type == "block.started" and row.data.get("call_id"):
            self._output.know(row.data)
        elif row.type == "tool.waiting" and row.data["client"]:
            self._asks.add(row.data["call_id"])
            if row.seq <= self._extent.since:
                self._answered.add(row.data["call_id"])
        elif row.type in ("tool.decided", "tool.ended"):
            self._asks.discard(row.data["call_id"])
        elif row.type == "step.ended" and row.seq > self._extent.since:
            self._used.update(row.data["usage"])

    def _waits(self, row: Row) -> bool:
        ends = row.seq > self._extent.decided or row.seq in self._extent.continued
        return row.type == "run.waiting" and bool(self._asks) and ends

    def _told(self, row: Row) -> list[Event]:
        data = dict(row.data)
        if row.type == "run.started":
            return self._started(data.get("from_block", 0))
        if row.type == "run.queued":
            self.response.status = STATUS["queued"]
        if row.type == "block.started":
            return self._output.begin(row.seq, data)
        if row.type == "tool.ended" and data["call_id"] not in self._answered:
            return self._output.result(row.seq, data)
        return []

    def _delta(self, row: Row) -> bytes:
        """Says more of a block, which is what nearly all events are."""
        self._compacted = self._compacted or "from" in row.data
        item = self._output.grow(row.data)
        if item is None:
            return b""
        number, self._next = self._next, self._next + 1
        return item.delta(row.data["text"], number) if number > self._after else b""

    def _started(self, from_block: int) -> list[Event]:
        self.response.status = STATUS["running"]
        if self._working:
            return self._output.discard(from_block)
        self._working = True
        return [self._of_response("response.in_progress")]

    def _ended(self, row: Row) -> str:
        if row.type == "run.waiting":
            return self.response.waits(self._used)
        if row.type == "run.completed":
            usage = self._used if self._extent.since else row.data["usage"]
            return self.response.completed(row.data["stop_reason"], usage)
        if row.type == "run.failed":
            return self.response.failed(row.data["code"], row.data["message"])
        return self.response.steered() if row.type == "run.steered" else self.response.cancelled()

    def _of_response(self, type: str, *, whole: bool = False) -> Event:
        output = self._output.values() if whole else []
        return {"type": type, "response": self.response.value(output)}

    def _framed(self, events: list[Event]) -> bytes:
        frames = []
        for event in events:
            if self._next > self._after:
                frames.append(framed(event, self._next))
            self._next += 1
        return b"".join(frames)


class WholeEncoder(Encoder):
    """Says nothing until the run has ended, and then the response as one document."""

    def begin(self) -> bytes:
        super().begin()
        return b""

    def event(self, row: Row) -> bytes:
        if self.over:
            return b""
        super().event(row)
        return orjson.dumps(self.document()) if self.over or row.type in TERMINAL else b""
