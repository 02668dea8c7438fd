"""A run's events as those of AG-UI 1.0, each with an id from which TanStack AI resumes.

https://docs.ag-ui.com/concepts/events
"""

from __future__ import annotations

from typing import Any

import orjson

from streams.exceptions import BadCursor
from streams.log.transcript import Row

Frames = list[dict[str, Any]]
Cursor = tuple[int, int]

START: Cursor = (0, 0)  # the id of RUN_STARTED
BEGINNING: Cursor = (-1, 0)
TOO_LATE = "This answer ended long ago. Load the conversation."


class AGUIStream:
    """Begins with RUN_STARTED, and sends what comes after `cursor`.

    An event of the log becomes one or more of AG-UI's, with the ids `number.0`, `number.1`, …: the
    same on every replay until the log is compacted.
    """

    def __init__(
        self, *, thread_id: str, run_id: str, message_id: str, cursor: Cursor = BEGINNING
    ) -> None:
        self._run = {"threadId": thread_id, "runId": run_id}
        self._message_id = message_id
        self._cursor = cursor
        self._attempt = 1
        self._kinds: dict[int, str] = {}  # of the blocks that are open
        self._writing = False  # whether the text message is open
        self._over = False

    def begin(self) -> bytes:
        return self._sent(START, frame("RUN_STARTED", **self._run))

    def event(self, row: Row) -> bytes:
        if self._over:
            return b""
        if row.data.get("from", row.seq) <= self._cursor[0] < row.seq:
            return self._too_late(row.seq)
        step = STEPS.get(row.type)
        frames = step(self, row.data) if step else []
        return b"".join(self._sent((row.seq, nth), each) for nth, each in enumerate(frames))

    def _sent(self, id: Cursor, frame: dict[str, Any]) -> bytes:
        if id <= self._cursor:
            return b""
        return b"id: %d.%d\ndata: %s\n\n" % (*id, orjson.dumps(frame))

    def _too_late(self, seq: int) -> bytes:
        """Ends a stream whose cursor stands in the middle of what is one event by now."""
        self._over = True
        return self._sent((seq, 0), frame("RUN_ERROR", message=TOO_LATE, code="bad_cursor"))

    def _run_started(self, data: Any) -> Frames:
        """What an attempt before has said stays, since it cannot be unsaid; it is closed."""
        closed = self._close()
        self._attempt = data["attempt"]
        return closed

    def _block_started(self, data: Any) -> Frames:
        kind = self._kinds[data["index"]] = data["kind"]
        if kind == "reasoning":
            id = self._reasoning_id(data["index"])
            return [
                frame("REASONING_START", messageId=id),
                frame("REASONING_MESSAGE_START", messageId=id, role="reasoning"),
            ]
        if kind == "tool_call" or self._writing:
            return []
        self._writing = True
        return [frame("TEXT_MESSAGE_START", messageId=self._text_id, role="assistant")]

    def _block_delta(self, data: Any) -> Frames:
        kind, text = self._kinds.get(data["index"]), data["text"]
        if not text or kind in (None, "tool_call"):
            return []
        if kind == "reasoning":
            id = self._reasoning_id(data["index"])
            return [frame("REASONING_MESSAGE_CONTENT", messageId=id, delta=text)]
        return [frame("TEXT_MESSAGE_CONTENT", messageId=self._text_id, delta=text)]

    def _block_ended(self, data: Any) -> Frames:
        """A text goes on in the same message with the next block of text."""
        if self._kinds.pop(data["index"], None) != "reasoning":
            return []
        return self._reasoning_ended(data["index"])

    def _run_completed(self, data: Any) -> Frames:
        return [*self._close(), frame("RUN_FINISHED", **self._run, outcome={"type": "success"})]

    def _run_failed(self, data: Any) -> Frames:
        told = data["message"] or data["code"]
        return [*self._close(), frame("RUN_ERROR", message=told, code=data["code"])]

    def _run_cancelled(self, data: Any) -> Frames:
        return [*self._close(), frame("RUN_FINISHED", **self._run, outcome={"type": "cancelled"})]

    def _close(self) -> Frames:
        open = [at for at, kind in self._kinds.items() if kind == "reasoning"]
        ends = [end for at in open for end in self._reasoning_ended(at)]
        if self._writing:
            ends.append(frame("TEXT_MESSAGE_END", messageId=self._text_id))
        self._kinds, self._writing = {}, False
        return ends

    def _reasoning_ended(self, at: int) -> Frames:
        id = self._reasoning_id(at)
        return [
            frame("REASONING_MESSAGE_END", messageId=id),
            frame("REASONING_END", messageId=id),
        ]

    @property
    def _text_id(self) -> str:
        """The answer's own id; another attempt's message is another message."""
        more = f"-{self._attempt}" if self._attempt > 1 else ""
        return self._message_id + more

    def _reasoning_id(self, at: int) -> str:
        return f"{self._message_id}-reasoning-{self._attempt}-{at}"


STEPS = {
    "run.started": AGUIStream._run_started,
    "block.started": AGUIStream._block_started,
    "block.delta": AGUIStream._block_delta,
    "block.ended": AGUIStream._block_ended,
    "run.completed": AGUIStream._run_completed,
    "run.failed": AGUIStream._run_failed,
    "run.cancelled": AGUIStream._run_cancelled,
}


def frame(type: str, **fields: Any) -> dict[str, Any]:
    return {"type": type, **fields}


def cursor_of(last_event_id: str | None) -> Cursor:
    """Returns the id of the last frame a client has seen. Raises BadCursor."""
    if not last_event_id:
        return BEGINNING
    parts = last_event_id.split(".")
    if len(parts) != 2 or not all(it.isascii() and it.isdigit() and len(it) < 20 for it in parts):
        raise BadCursor("Last-Event-ID is the id of the last event seen.", field="Last-Event-ID")
    return int(parts[0]), int(parts[1])
