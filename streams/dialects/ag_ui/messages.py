"""RunAgentInput as it is posted, and the messages a page loads.

https://docs.ag-ui.com/concepts/messages
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.dialects import naming
from streams.dialects.posted import Posted, Said
from streams.exceptions import Invalid
from streams.log.transcript import MessageState

INSTRUCTIONS = ("system", "developer")
SKIPPED = ("tool", "activity", "reasoning")


def posted(given: Mapping[str, Any]) -> Posted:
    """Reads a RunAgentInput, whose `forwardedProps` may have `model`. A prompt that is known is one
    that wants another answer. Raises Invalid.
    """
    messages = given.get("messages")
    if not isinstance(messages, list) or not all(isinstance(it, Mapping) for it in messages):
        raise Invalid("messages is a list of messages.", field="messages")
    props = given.get("forwardedProps") or {}
    if not isinstance(props, Mapping):
        raise Invalid("forwardedProps is an object.", field="forwardedProps")
    model = props.get("model") or ""
    if not isinstance(model, str):
        raise Invalid("model must be text.", field="model")
    instructions = [text_of(it) for it in messages if it.get("role") in INSTRUCTIONS]
    return Posted(
        name=naming.name_in(given.get("threadId"), "threadId"),
        messages=[*filter(None, map(said, messages))],
        model=model,
        system="\n\n".join(filter(None, instructions)),
        again=True,
    )


def said(message: Mapping[str, Any]) -> Said | None:
    """Returns a user's or an assistant's message; None for what the server knows by itself."""
    role = message.get("role")
    if role in INSTRUCTIONS or role in SKIPPED:
        return None
    if role not in ("user", "assistant"):
        raise Invalid("A message has a role of AG-UI.", field="messages")
    return Said(naming.name_in(message.get("id"), "messages"), role, text_of(message))


def text_of(message: Mapping[str, Any]) -> str:
    """Raises Invalid for a part that is no text: only text can be answered."""
    content = message.get("content", "")
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise Invalid("content is a text or a list of parts.", field="messages")
    return "".join(map(part_of, content))


def part_of(part: Any) -> str:
    if isinstance(part, Mapping) and part.get("type") == "text":
        text = part.get("text", part.get("content"))
        if isinstance(text, str):
            return text
    raise Invalid("Only text can be sent here yet.", field="messages")


def shown(message: MessageState) -> dict[str, Any]:
    """Returns a message as AG-UI has it, and with the `parts` that TanStack AI reads."""
    key = message.client_key
    text = "".join(it["text"] for it in message.blocks if it["kind"] in ("text", "refusal"))
    thoughts = [it["text"] for it in message.blocks if it["kind"] == "reasoning"]
    return {
        "id": naming.client_id(key) if key else message.id,
        "role": message.role,
        "content": text,
        "parts": [
            *({"type": "thinking", "content": each} for each in thoughts),
            {"type": "text", "content": text},
        ],
    }
