"""The AI SDK's UIMessage lists, as they are posted and as a page loads them.

https://ai-sdk.dev/docs/reference/ai-sdk-core/ui-message
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.dialects import client_ids
from streams.dialects.files import Address, File, of_url
from streams.dialects.message_lists import Posted, Said
from streams.exceptions import Invalid
from streams.log import file_references
from streams.log.transcript import MessageState

from .parts import KINDS

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
    again, message = trigger == REGENERATE, given.get("messageId")
    return Posted(
        name=client_ids.name_in(given.get("id"), "id"),
        messages=[*filter(None, map(said, messages))],
        model=text_in(given, "model"),
        system=text_in(given, "system"),
        edited=not again and message is not None,
        again=again,
        replaced=str(message) if again else "",
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
    id = client_ids.name_in(message.get("id"), "messages")
    parts = [part_of(part, role) for part in message["parts"]]
    files = tuple(part for part in parts if isinstance(part, File))
    return Said(id, role, "".join(part for part in parts if isinstance(part, str)), files)


def part_of(part: Any, role: str) -> str | File:
    """Returns what a part says, or the file that a user sends; "" for another. Raises Invalid."""
    kind = part.get("type") if isinstance(part, Mapping) else None
    if not isinstance(kind, str):
        raise Invalid("A part has a type.", field="messages")
    if kind == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    if kind == "file" and role == "user":
        return of_url(part.get("url"), part.get("filename"), "messages")
    return ""


def text_in(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise Invalid(f"{name} must be text.", field=name)
    return value


def shown(message: MessageState, address: Address) -> dict[str, Any]:
    """Returns a message as a UIMessage, under the id its client gave it, and its files by their
    addresses here."""
    key = message.client_key
    return {
        "id": client_ids.client_id(key) if key else message.id,
        "role": message.role,
        "parts": [
            *(file_part(each, address(each)) for each in file_references.of_blocks(message.blocks)),
            *(
                {"type": KINDS[block["kind"]], "text": block["text"]}
                for block in message.blocks
                if block["kind"] in KINDS and (block["text"] or message.role != "user")
            ),
        ],
    }


def file_part(file: file_references.Reference, address: str) -> dict[str, str]:
    known = {"mediaType": file["type"], "filename": file["name"]}
    return {"type": "file", **known, "url": address}
