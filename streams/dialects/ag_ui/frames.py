"""AG-UI's events as they are sent, the cursors that clients send back, and the interrupt of a call
that waits, with the JSON Schema of its answer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from streams.exceptions import BadCursor

Cursor = tuple[int, int]

START: Cursor = (0, 0)  # the id of RUN_STARTED
SNAPSHOT: Cursor = (0, 1)  # and of MESSAGES_SNAPSHOT
BEGINNING: Cursor = (-1, 0)

# What answers an interrupt, as JSON Schema.
ANSWER = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "reason": {"type": "string"}},
    "required": ["approved"],
}


def frame(type: str, **fields: Any) -> dict[str, Any]:
    return {"type": type, **fields}


def text_prefix(message_id: str) -> bytes:
    """Returns a delta of text up to the text itself."""
    id = orjson.dumps(message_id)
    return b'data: {"type":"TEXT_MESSAGE_CONTENT","messageId":%s,"delta":' % id


def cursor_of(last_event_id: str | None) -> Cursor:
    """Returns the id of the last frame a client has seen. Raises BadCursor."""
    if not last_event_id:
        return BEGINNING
    parts = last_event_id.split(".")
    if len(parts) != 2 or not all(it.isascii() and it.isdigit() and len(it) < 20 for it in parts):
        raise BadCursor("Last-Event-ID is the id of the last event seen.", field="Last-Event-ID")
    return int(parts[0]), int(parts[1])


class Waiting(NamedTuple):
    """A call that waits for a decision, or for the client that runs it."""

    id: str
    name: str
    client: bool

    def interrupt(self, call_id: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "reason": "tool_call",
            "message": f"May {self.name} run?",
            "toolCallId": call_id,
            "responseSchema": ANSWER,
        }
