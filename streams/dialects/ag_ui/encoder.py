"""A run's events as those of AG-UI 1.0, each with an id from which TanStack AI resumes.

https://docs.ag-ui.com/concepts/events
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from streams.log import TERMINAL
from streams.log.transcript import Row

from .frames import BEGINNING, SNAPSHOT, START, Cursor, Waiting, frame, text_prefix

Frames = list[dict[str, Any]]
TOO_LATE = "This answer ended long ago. Load the conversation."


class AGUIStream:
    """Begins with RUN_STARTED, and sends what comes after `cursor`.

    An event of the log becomes one or more of AG-UI's, with the ids `number.0`, `number.1`, …: the
    same on every replay until the log is compacted.

    A run that waits finishes with what it waits for, and goes on as another of the client's, which
    is sent what comes `after`. Waits that were over by the event `decided` end nothing, and calls
    that were `answered` by then are not waited for. `earlier` messages are told to who joins.
    """

    def __init__(
        self,
        *,
        thread_id: str,
        run_id: str,
        message_id: str,
        cursor: Cursor = BEGINNING,
        after: int = 0,
        decided: int = 0,
        answered: Collection[str] = (),
        earlier: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        self._run = {"threadId": thread_id, "runId": run_id}
        self._message_id = message_id
        self._cursor = cursor
        self._attempt = 1
        self._step = 1
        self._blocks: dict[str, int] = {}  # of calls, by `call_id`
        self._kinds: dict[int, str] = {}  # of the blocks that are open
        self._writing = False  # whether the text message is open
        self._prefix_of, self._prefix = "", b""  # of deltas, by their message
        self._after = after
        self._decided = decided
        self._answered = answered
        self._earlier = earlier
        self._waiting: dict[str, Waiting] = {}  # calls, by `call_id`
        self._of_client: set[str] = set()  # calls that the client runs
        self.over = False

    def begin(self) -> bytes:
        begun = self._sent(START, frame("RUN_STARTED", **self._run))
        if self._earlier is None:
            return begun
        return begun + self._sent(SNAPSHOT, frame("MESSAGES_SNAPSHOT", messages=self._earlier))

    def event(self, row: Row) -> bytes:
        if self.over:
            return b""
        if row.data.get("from", row.seq) <= self._cursor[0] < row.seq:
            return self._too_late(row.seq)
        if row.type == "block.delta" and (told := self._plain_delta(row)) is not None:
            return told
        if row.type == "run.waiting":
            frames = self._run_waiting(row.seq)
        else:
            frames = step(self, row.data) if (step := STEPS.get(row.type)) else []
        numbered = [*enumerate(frames)]
        if row.seq <= self._after:  # but no client's run is without an end
            numbered = numbered[-1:] if self.over or row.type in TERMINAL else []
        return b"".join(self._sent((row.seq, nth), each) for nth, each in numbered)

    def _sent(self, id: Cursor, frame: dict[str, Any]) -> bytes:
        if id <= self._cursor:
            return b""
        return b"id: %d.%d\ndata: %s\n\n" % (*id, orjson.dumps(frame))

    def _too_late(self, seq: int) -> bytes:
        """Ends a stream whose cursor lies inside events that compaction has merged into one."""
        self.over = True
        return self._sent((seq, 0), frame("RUN_ERROR", message=TOO_LATE, code="bad_cursor"))

    def _run_started(self, data: Any) -> Frames:
        """Closes what an earlier attempt has sent, which cannot be taken back."""
        closed = self._close()
        self._attempt = data["attempt"]
        return closed

    def _step_started(self, data: Any) -> Frames:
        """Begins another message: in AG-UI the text after a tool's result is one."""
        closed = self._close()
        self._step = data["step"]
        return closed

    def _step_ended(self, data: Any) -> Frames:
        """Learns which block holds which call."""
        self._blocks |= {each["call_id"]: each["block"] for each in data.get("calls", ())}
        return []

    def _tool_waiting(self, data: Any) -> Frames:
        known = Waiting(data["id"], data["name"], data["client"])
        self._waiting[data["call_id"]] = known
        if known.client:
            self._of_client.add(data["call_id"])
        return []

    def _tool_decided(self, data: Any) -> Frames:
        self._waiting.pop(data["call_id"], None)
        return []

    def _run_waiting(self, seq: int) -> Frames:
        """Ends the client's run, if what it waits for is still to be decided. A call that the
        client runs is no interrupt: it knows what to do."""
        closed = self._close()
        if seq <= self._decided:
            return closed
        self.over = True
        asked = [
            waiting.interrupt(self._call_id(self._blocks[call]))
            for call, waiting in self._waiting.items()
            if not waiting.client and waiting.id not in self._answered and call in self._blocks
        ]
        outcome = {"type": "interrupt", "interrupts": asked} if asked else {"type": "success"}
        return [*closed, frame("RUN_FINISHED", **self._run, outcome=outcome)]

    def _tool_ended(self, data: Any) -> Frames:
        """Tells a result, but not to the client that has given it."""
        at = self._blocks.get(data["call_id"])
        self._waiting.pop(data["call_id"], None)
        if at is None or (self._after and data["call_id"] in self._of_client):
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

    def _plain_delta(self, row: Row) -> bytes | None:
        """Returns a delta of text, which is what nearly all events are; None for another."""
        if self._kinds.get(row.data["index"]) not in ("text", "refusal") or not row.data["text"]:
            return None
        if (row.seq, 0) <= self._cursor or row.seq <= self._after:
            return b""
        if self._prefix_of != (id := self._text_id):
            self._prefix_of, self._prefix = id, text_prefix(id)
        return b"id: %d.0\n%s%s}\n\n" % (row.seq, self._prefix, orjson.dumps(row.data["text"]))

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
    "tool.waiting": AGUIStream._tool_waiting,
    "tool.decided": AGUIStream._tool_decided,
    "tool.ended": AGUIStream._tool_ended,
    "block.started": AGUIStream._block_started,
    "block.delta": AGUIStream._block_delta,
    "block.ended": AGUIStream._block_ended,
    "run.completed": AGUIStream._run_completed,
    "run.failed": AGUIStream._run_failed,
    "run.cancelled": AGUIStream._run_cancelled,
    "run.steered": AGUIStream._run_steered,
}
