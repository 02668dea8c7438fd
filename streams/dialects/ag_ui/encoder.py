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
        self._step = 1
        self._blocks: dict[str, int] = {}  # of calls, by `call_id`
        self._kinds: dict[int, str] = {}  # of the blocks that are open
        self._writing = False  # whether the text message is open
        self.over = False

    def begin(self) -> bytes:
        return self._sent(START, frame("RUN_STARTED", **self._run))

    def event(self, row: Row) -> bytes:
        if self.over:
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
        self.over = True
        return self._sent((seq, 0), frame("RUN_ERROR", message=TOO_LATE, code="bad_cursor"))

    def _run_started(self, data: Any) -> Frames:
        """What an attempt before has said stays, since it cannot be unsaid; it is closed."""
        closed = self._close()
        self._attempt = data["attempt"]
        return closed

    def _step_started(self, data: Any) -> Frames:
        """What the model says after a tool's result is another message."""
        closed = self._close()
        self._step = data["step"]
        return closed

    def _step_ended(self, data: Any) -> Frames:
        """Learns which block holds which call."""
        self._blocks |= {each["call_id"]: each["block"] for each in data.get("calls", ())}
        return []

    def _tool_ended(self, data: Any) -> Frames:
        at = self._blocks.get(data["call_id"])
        if at is None:
            return []
        told, id = data.get("result") or data["status"], self._call_id(at)
        known = {"messageId": f"{id}-result", "toolCallId": id, "role": "tool"}
        return [*self._close(), frame("TOOL_CALL_RESULT", content=told, **known)]

    def _block_started(self, data: Any) -> Frames:
        kind = self._kinds[data["index"]] = data["kind"]
        if kind == "reasoning":
            id = self._reasoning_id(data["index"])
            return [
                frame("REASONING_START", messageId=id),
                frame("REASONING_MESSAGE_START", messageId=id, role="reasoning"),
            ]
        opened = [] if self._writing else [self._text_started()]
        if kind == "tool_call":
            known = {"toolCallId": self._call_id(data["index"]), "toolCallName": data["name"]}
            opened.append(frame("TOOL_CALL_START", parentMessageId=self._text_id, **known))
        return opened

    def _text_started(self) -> dict[str, Any]:
        self._writing = True
        return frame("TEXT_MESSAGE_START", messageId=self._text_id, role="assistant")

    def _block_delta(self, data: Any) -> Frames:
        kind, text = self._kinds.get(data["index"]), data["text"]
        if not text or kind is None:
            return []
        if kind == "tool_call":
            return [frame("TOOL_CALL_ARGS", toolCallId=self._call_id(data["index"]), delta=text)]
        if kind == "reasoning":
            id = self._reasoning_id(data["index"])
            return [frame("REASONING_MESSAGE_CONTENT", messageId=id, delta=text)]
        return [frame("TEXT_MESSAGE_CONTENT", messageId=self._text_id, delta=text)]

    def _block_ended(self, data: Any) -> Frames:
        """A text goes on in the same message with the next block of text."""
        return self._block_closed(data["index"], self._kinds.pop(data["index"], None))

    def _run_completed(self, data: Any) -> Frames:
        return [*self._close(), frame("RUN_FINISHED", **self._run, outcome={"type": "success"})]

    def _run_failed(self, data: Any) -> Frames:
        told = data["message"] or data["code"]
        return [*self._close(), frame("RUN_ERROR", message=told, code=data["code"])]

    def _run_cancelled(self, data: Any) -> Frames:
        return [*self._close(), frame("RUN_FINISHED", **self._run, outcome={"type": "cancelled"})]

    def _run_steered(self, data: Any) -> Frames:
        """Ends without a word: the prompt has become part of another answer."""
        return [*self._close(), frame("RUN_FINISHED", **self._run, outcome={"type": "success"})]

    def _close(self) -> Frames:
        ends = [end for at, kind in self._kinds.items() for end in self._block_closed(at, kind)]
        if self._writing:
            ends.append(frame("TEXT_MESSAGE_END", messageId=self._text_id))
        self._kinds, self._writing = {}, False
        return ends

    def _block_closed(self, at: int, kind: str | None) -> Frames:
        if kind == "tool_call":
            return [frame("TOOL_CALL_END", toolCallId=self._call_id(at))]
        if kind != "reasoning":
            return []
        id = self._reasoning_id(at)
        return [
            frame("REASONING_MESSAGE_END", messageId=id),
            frame("REASONING_END", messageId=id),
        ]

    @property
    def _text_id(self) -> str:
        """The answer's own id; what another attempt or step says is another message."""
        first = self._attempt == self._step == 1
        return self._message_id if first else f"{self._message_id}-{self._attempt}.{self._step}"

    def _call_id(self, at: int) -> str:
        """A call's own: a vendor may use one of its ids twice."""
        return f"{self._message_id}:{self._attempt}.{at}"

    def _reasoning_id(self, at: int) -> str:
        return f"{self._message_id}-reasoning-{self._attempt}-{at}"


STEPS = {
    "run.started": AGUIStream._run_started,
    "step.started": AGUIStream._step_started,
    "step.ended": AGUIStream._step_ended,
    "tool.ended": AGUIStream._tool_ended,
    "block.started": AGUIStream._block_started,
    "block.delta": AGUIStream._block_delta,
    "block.ended": AGUIStream._block_ended,
    "run.completed": AGUIStream._run_completed,
    "run.failed": AGUIStream._run_failed,
    "run.cancelled": AGUIStream._run_cancelled,
    "run.steered": AGUIStream._run_steered,
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
