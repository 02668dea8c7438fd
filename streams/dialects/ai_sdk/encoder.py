"""A run's events as a UI message stream of the AI SDK, version 1.

https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol#data-stream-protocol
"""

from __future__ import annotations

from typing import Any

from streams.log import TERMINAL
from streams.log.transcript import Row

from .parts import DONE, KINDS, REASONS, Call, delta, delta_prefix, part
from .shown import Shown


class UIMessageStream:
    """Begins with `start` and the answer's id, on every replay too, and ends with `[DONE]`.

    Where a run waits for a decision the stream ends, since this client asks for it only then; it
    does not end at a wait that was over by the event `decided`. A client that goes on with a
    message it has, after a decision, is sent what comes `after`, without what it has `shown`.
    """

    def __init__(
        self, message_id: str, *, after: int = 0, decided: int = 0, shown: Shown | None = None
    ) -> None:
        self.over = False
        self._message_id = message_id
        self._after = after
        self._decided = decided
        self._shown = shown or Shown()
        self._goes_on = shown is not None
        self._steps = 0
        self._called = False  # whether the newest step has a call
        self._held: dict[int, str] = {}  # as `_open`, of blocks whose beginning the client has
        self._attempt = 0
        self._open: dict[int, str] = {}  # by block, its kind here
        self._prefixes: dict[int, bytes] = {}  # by block, of its deltas
        self._in_step = False
        self._calls: dict[int, Call] = {}  # by block
        self._blocks: dict[str, int] = {}  # by `call_id`

    def begin(self) -> bytes:
        return part("start", messageId=self._message_id)

    def event(self, row: Row) -> bytes:
        if row.type == "block.delta":  # first: nearly all events are
            said = self._block_delta(row.data)
            return said if row.seq > self._after else b""
        if row.type == "run.waiting" and row.seq > self._decided:
            self.over = True
            return self._close() + part("finish", finishReason="tool-calls") + DONE
        step = STEPS.get(row.type)
        ended = row.type in TERMINAL
        if ended and row.seq <= self._after:
            self._close()  # of which the client knows nothing
        said = step(self, row.data) if step else b""
        return said if ended or row.seq > self._after else b""

    def _run_started(self, data: Any) -> bytes:
        """Closes what an earlier attempt has sent, which cannot be taken back."""
        closed = self._close()
        self._attempt = data["attempt"]
        return closed

    def _step_started(self, data: Any) -> bytes:
        return self._close() + self._step()

    def _step(self) -> bytes:
        """Opens a step, unless one is open: a run without tools says nothing of steps."""
        if self._in_step:
            return b""
        self._in_step = True
        self._called = False
        self._steps += 1
        return part("start-step") if self._steps > self._shown.steps else b""

    def _block_started(self, data: Any) -> bytes:
        at, kind = data["index"], KINDS.get(data["kind"])
        if kind and self._shown.has_more:
            self._held[at] = kind
            return self._step()
        if kind:
            return self._step() + self._begun(at, kind)
        if data["kind"] != "tool_call":
            return b""
        id = f"{self._message_id}:{at}"
        call = self._calls[at] = Call(id, data["name"], known=id in self._shown.calls)
        begun = self._step() + call.begun()
        self._called = True
        return begun

    def _begun(self, at: int, kind: str) -> bytes:
        id = self._id({"index": at})
        self._open[at] = kind
        self._prefixes[at] = delta_prefix(kind, id)
        return part(f"{kind}-start", id=id)

    def _block_delta(self, data: Any) -> bytes:
        at, text = data["index"], data["text"]
        if not text:
            return b""
        if at in self._open:
            return delta(self._prefixes[at], text)
        if at in self._held:
            return self._rest(at, self._shown.unseen(text))
        return self._calls[at].grown(text) if at in self._calls else b""

    def _rest(self, at: int, text: str) -> bytes:
        """Begins a block in its middle, where what the client has of it ends."""
        if not text:
            return b""
        return self._begun(at, self._held.pop(at)) + delta(self._prefixes[at], text)

    def _block_ended(self, data: Any) -> bytes:
        kind = self._open.pop(data["index"], None)
        return part(f"{kind}-end", id=self._id(data)) if kind else b""

    def _step_ended(self, data: Any) -> bytes:
        """Learns which block holds which call."""
        self._blocks |= {each["call_id"]: each["block"] for each in data.get("calls", ())}
        return b""

    def _tool_waiting(self, data: Any) -> bytes:
        call = self._call(data)
        if call is None:
            return b""
        if data["client"]:
            return call.ready(by_client=True)
        return call.ready() + part(
            "tool-approval-request", approvalId=data["id"], toolCallId=call.id
        )

    def _tool_started(self, data: Any) -> bytes:
        call = self._call(data)
        return call.ready() if call else b""

    def _tool_ended(self, data: Any) -> bytes:
        call = self._call(data)
        return call.ended(data["status"], data.get("result") or "") if call else b""

    def _call(self, data: Any) -> Call | None:
        return self._calls.get(self._blocks.get(data["call_id"], -1))

    def _run_completed(self, data: Any) -> bytes:
        reason = REASONS.get(data["stop_reason"], "other")
        return self._close_all() + part("finish", finishReason=reason) + DONE

    def _run_failed(self, data: Any) -> bytes:
        return self._close() + part("error", errorText=data["message"] or data["code"]) + DONE

    def _run_cancelled(self, data: Any) -> bytes:
        by = data.get("device")
        reason = f"Stopped by {by['name']}" if by else ""
        return self._close_all() + part("abort", reason=reason) + DONE

    def _run_steered(self, data: Any) -> bytes:
        """Ends without a word: the prompt has become part of another answer."""
        return self._close_all() + part("finish", finishReason="other") + DONE

    def _close_all(self) -> bytes:
        """Ends what is open where nothing follows. A client that goes on with a message asks again
        by itself, without end, as long as its last step is one of calls that have results: so
        another step comes behind those. It overlooks one with nothing in it."""
        closed = self._close()
        if not (self._goes_on and self._called):
            return closed
        empty = part("text-start", id="end") + part("text-end", id="end")
        return closed + part("start-step") + empty + part("finish-step")

    def _close(self) -> bytes:
        """Ends what is open: blocks first, then the step."""
        ends = [part(f"{kind}-end", id=self._id({"index": at})) for at, kind in self._open.items()]
        ends += [call.ready() for call in self._calls.values()]
        if self._in_step:
            ends.append(part("finish-step"))
        self._open, self._held, self._in_step = {}, {}, False
        return b"".join(ends)

    def _id(self, data: Any) -> str:
        return f"{self._attempt}-{data['index']}"


STEPS = {
    "run.started": UIMessageStream._run_started,
    "step.started": UIMessageStream._step_started,
    "step.ended": UIMessageStream._step_ended,
    "tool.waiting": UIMessageStream._tool_waiting,
    "tool.started": UIMessageStream._tool_started,
    "tool.ended": UIMessageStream._tool_ended,
    "block.started": UIMessageStream._block_started,
    "block.ended": UIMessageStream._block_ended,
    "run.completed": UIMessageStream._run_completed,
    "run.failed": UIMessageStream._run_failed,
    "run.cancelled": UIMessageStream._run_cancelled,
    "run.steered": UIMessageStream._run_steered,
}
