"""The AI SDK's UIMessage lists, as they are posted and as a page loads them.

https://ai-sdk.dev/docs/reference/ai-sdk-core/ui-message
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.dialects import naming
from streams.dialects.posted import Posted, Said
from streams.exceptions import Invalid
from streams.log.transcript import MessageState

REGENERATE = "regenerate-message"
TRIGGERS = ("submit-message", REGENERATE, None)


def posted(given: Mapping[str, Any]) -> Posted:
    """Reads a body that `useChat` sends. Fields that are not the protocol's own are a page's.

    Raises Invalid.
    """
    messages = given.get("messages")
    if not isinstance(messages, list):
        raise Invalid("messages is a list.", field="messages")
    trigger = given.get("trigger")
    if trigger not in TRIGGERS:
        raise Invalid("trigger is submit-message or regenerate-message.", field="trigger")
    again = trigger == REGENERATE
    return Posted(
        name=naming.name_in(given.get("id"), "id"),
        messages=[*filter(None, map(said, messages))],
        model=text_in(given, "model"),
        system=text_in(given, "system"),
        edited=not again and given.get("messageId") is not None,
        again=again,
    )


def said(message: Any) -> Said | None:
    """Reads a UIMessage; None for a system message, which instructions take the place of."""
    if not isinstance(message, Mapping) or not isinstance(message.get("parts"), list):
        raise Invalid("A message has id, role and parts.", field="messages")
    role = message.get("role")
    if role not in ("user", "assistant", "system"):
        raise Invalid("role is user, assistant or system.", field="messages")
    if role == "system":
        return None
    id = naming.name_in(message.get("id"), "messages")
    return Said(id, role, "".join(text_of(part, role) for part in message["parts"]))


def text_of(part: Any, role: str) -> str:
    """Raises Invalid for a file that a user sends: only text can be answered."""
    kind = part.get("type") if isinstance(part, Mapping) else None
    if not isinstance(kind, str):
        raise Invalid("A part has a type.", field="messages")
    if kind == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    if kind == "file" and role == "user":
        raise Invalid("Files can't be sent here yet: send text.", field="messages")
    return ""


def text_in(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise Invalid(f"{name} must be text.", field=name)
    return value


def shown(message: MessageState) -> dict[str, Any]:
    """Returns a message as a UIMessage, under the id its client gave it."""
    key = message.client_key
    return {
        "id": naming.client_id(key) if key else message.id,
        "role": message.role,
        "parts": [
            {"type": "reasoning" if block["kind"] == "reasoning" else "text", "text": block["text"]}
            for block in message.blocks
            if block["kind"] != "tool_call"
        ],
    }
