"""Parts of a UI message stream, and how the log's words are said there."""

from __future__ import annotations

from typing import Any

import orjson

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


def part(type: str, **fields: Any) -> bytes:
    return b"data: %s\n\n" % orjson.dumps({"type": type, **fields})


def delta_prefix(kind: str, id: str) -> bytes:
    """Returns a delta's part up to its text. Made once for each block: most parts are these."""
    return b'data: {"type":"%s-delta","id":%s,"delta":' % (kind.encode(), orjson.dumps(id))


def delta(prefix: bytes, text: str) -> bytes:
    return b"%s%s}\n\n" % (prefix, orjson.dumps(text))


class Call:
    """A tool's call, in the states that a client knows: its input grows, is there, has a result.

    Its id is the answer's with the block's number, since a vendor may use one of its own twice. Of
    one that the client has `known` before, its input is not told again.
    """

    def __init__(self, id: str, name: str, known: bool = False) -> None:
        self.id = id
        self._name = name
        self._pieces: list[str] = []
        self._known = self._told = known

    def begun(self) -> bytes:
        if self._known:
            return b""
        return part("tool-input-start", toolCallId=self.id, toolName=self._name, dynamic=True)

    def grown(self, text: str) -> bytes:
        if self._known:
            return b""
        self._pieces.append(text)
        return part("tool-input-delta", toolCallId=self.id, inputTextDelta=text)

    def ready(self, by_client: bool = False) -> bytes:
        """Returns its input, once. One that the client is to run is not said to run here."""
        if self._told:
            return b""
        self._told = True
        here = {} if by_client else {"providerExecuted": True}
        known = {"toolCallId": self.id, "toolName": self._name, "dynamic": True, **here}
        return part("tool-input-available", input=value_of("".join(self._pieces)), **known)

    def ended(self, status: str, result: str) -> bytes:
        known = {"toolCallId": self.id, "dynamic": True}
        if status == "ok":
            return self.ready() + part("tool-output-available", output=value_of(result), **known)
        if status == "denied":
            return self.ready() + part("tool-output-denied", toolCallId=self.id)
        return self.ready() + part("tool-output-error", errorText=result or status, **known)


def value_of(text: str) -> Any:
    """Returns what a JSON text says, or the text itself."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
