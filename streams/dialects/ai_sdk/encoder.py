"""A run's events as a UI message stream of the AI SDK, version 1.

https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol#data-stream-protocol
"""

from __future__ import annotations

from typing import Any

import orjson

from streams.log.transcript import Row

DONE = b"data: [DONE]\n\n"
KINDS = {"text": "text", "refusal": "text", "reasoning": "reasoning"}
REASONS = {
    "end_turn": "stop",
    "stop": "stop",
    "max_tokens": "length",
    "content_filter": "content-filter",
    "refusal": "content-filter",
    "tool_call": "tool-calls",
}


class UIMessageStream:
    """Begins with `start` and the answer's id, on every replay too, and ends with `[DONE]`."""

    def __init__(self, message_id: str) -> None:
        self._message_id = message_id
        self._attempt = 0
        self._open: dict[int, str] = {}  # by block, its kind here
        self._in_step = False

    def begin(self) -> bytes:
        return part("start", messageId=self._message_id)

    def event(self, row: Row) -> bytes:
        step = STEPS.get(row.type)
        return step(self, row.data) if step else b""

    def _run_started(self, data: Any) -> bytes:
        """What another attempt has said stays, since it cannot be unsaid; it is closed."""
        closed = self._close()
        self._attempt, self._in_step = data["attempt"], True
        return closed + part("start-step")

    def _block_started(self, data: Any) -> bytes:
        kind = KINDS.get(data["kind"])
        if kind is None:
            return b""
        self._open[data["index"]] = kind
        return part(f"{kind}-start", id=self._id(data))

    def _block_delta(self, data: Any) -> bytes:
        kind = self._open.get(data["index"])
        if kind is None or not data["text"]:
            return b""
        return part(f"{kind}-delta", id=self._id(data), delta=data["text"])

    def _block_ended(self, data: Any) -> bytes:
        kind = self._open.pop(data["index"], None)
        return part(f"{kind}-end", id=self._id(data)) if kind else b""

    def _run_completed(self, data: Any) -> bytes:
        reason = REASONS.get(data["stop_reason"], "other")
        return self._close() + part("finish", finishReason=reason) + DONE

    def _run_failed(self, data: Any) -> bytes:
        return self._close() + part("error", errorText=data["message"] or data["code"]) + DONE

    def _run_cancelled(self, data: Any) -> bytes:
        by = data.get("device")
        return self._close() + part("abort", reason=f"Stopped by {by['name']}" if by else "") + DONE

    def _close(self) -> bytes:
        """Ends what is open: blocks first, then the step."""
        ends = [part(f"{kind}-end", id=self._id({"index": at})) for at, kind in self._open.items()]
        if self._in_step:
            ends.append(part("finish-step"))
        self._open, self._in_step = {}, False
        return b"".join(ends)

    def _id(self, data: Any) -> str:
        return f"{self._attempt}-{data['index']}"


STEPS = {
    "run.started": UIMessageStream._run_started,
    "block.started": UIMessageStream._block_started,
    "block.delta": UIMessageStream._block_delta,
    "block.ended": UIMessageStream._block_ended,
    "run.completed": UIMessageStream._run_completed,
    "run.failed": UIMessageStream._run_failed,
    "run.cancelled": UIMessageStream._run_cancelled,
}


def part(type: str, **fields: Any) -> bytes:
    return b"data: %s\n\n" % orjson.dumps({"type": type, **fields})
