"""A run's events as the events of a response; pure.

Each event has the number it has on every replay, since all events of the run are encoded from its
first on. Once the run is compacted there are fewer: then the last event, which holds everything,
is sent to any cursor.
"""

from __future__ import annotations

from typing import Any

import orjson

from streams.log.transcript import Row

from .items import Event, Output
from .response import STATUS, Response

TERMINAL = ("run.completed", "run.failed", "run.cancelled", "run.steered")


class Encoder:
    """Says a run's events to a client that has seen those up to number `after`."""

    def __init__(self, response: Response, after: int = -1) -> None:
        self.response = response
        self._after = after
        self._next = 0
        self._output = Output(response.run)
        self._working = self._compacted = False
        self._ending: list[int] = []  # blocks whose end was said, until it is known what comes next

    def begin(self) -> bytes:
        return self._framed([self._of_response("response.created")])

    def event(self, row: Row) -> bytes:
        """A worker ends what is open before it says that a run was stopped or has failed: so what a
        block's end means is known with the event after it."""
        if row.type == "block.ended":
            self._ending.append(row.data["index"])
            return b""
        cut = row.type in ("run.failed", "run.cancelled")
        done = self._output.end(self._ending, "incomplete" if cut else "completed")
        self._ending = []
        if row.type not in TERMINAL:
            return self._framed([*done, *self._told(row)])
        before = self._framed([*done, *self._output.close()])
        if self._compacted:
            self._next = max(self._next, self._after + 1)
        return before + self._framed([self._of_response(self._ended(row), whole=True)])

    def document(self) -> dict[str, Any]:
        """Returns the response as it stands."""
        return self.response.value(self._output.values())

    def _told(self, row: Row) -> list[Event]:
        data = dict(row.data)
        if row.type == "run.started":
            return self._started(data.get("from_block", 0))
        if row.type == "run.queued":
            self.response.status = STATUS["queued"]
        if row.type == "block.started":
            return self._output.begin(row.seq, data)
        if row.type == "tool.ended":
            return self._output.result(row.seq, data)
        if row.type == "block.delta":
            self._compacted = self._compacted or "from" in data
            return self._output.grow(data)
        return []

    def _started(self, from_block: int) -> list[Event]:
        self.response.status = STATUS["running"]
        if self._working:
            return self._output.discard(from_block)
        self._working = True
        return [self._of_response("response.in_progress")]

    def _ended(self, row: Row) -> str:
        if row.type == "run.completed":
            return self.response.completed(row.data["stop_reason"], row.data["usage"])
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
                told = orjson.dumps(event | {"sequence_number": self._next})
                frames.append(b"event: %s\ndata: %s\n\n" % (event["type"].encode(), told))
            self._next += 1
        return b"".join(frames)


class WholeEncoder(Encoder):
    """Says nothing until the run has ended, and then the response as one document."""

    def begin(self) -> bytes:
        super().begin()
        return b""

    def event(self, row: Row) -> bytes:
        super().event(row)
        return orjson.dumps(self.document()) if row.type in TERMINAL else b""
