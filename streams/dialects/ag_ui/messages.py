"""RunAgentInput as it is posted, and the messages a page loads.

https://docs.ag-ui.com/concepts/messages
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from streams.attachments import kinds
from streams.dialects import client_ids
from streams.dialects.files import Address, File, of_base64, of_url
from streams.dialects.message_lists import Posted, Said
from streams.dialects.posted_tools import tools_in
from streams.exceptions import Invalid
from streams.log import file_references
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
        name=client_ids.name_in(given.get("threadId"), "threadId"),
        messages=[*filter(None, map(said, messages))],
        model=model,
        system="\n\n".join(filter(None, instructions)),
        again=True,
        tools=tools_in(given.get("tools")),
    )


def said(message: Mapping[str, Any]) -> Said | None:
    """Returns a user's or an assistant's message; None for what the server knows by itself."""
    role = message.get("role")
    if role in INSTRUCTIONS or role in SKIPPED:
        return None
    if role not in ("user", "assistant"):
        raise Invalid("A message has a role of AG-UI.", field="messages")
    parts = parts_of(message)
    files = tuple(part for part in parts if isinstance(part, File)) if role == "user" else ()
    return Said(client_ids.name_in(message.get("id"), "messages"), role, joined(parts), files)


def text_of(message: Mapping[str, Any]) -> str:
    return joined(parts_of(message))


def joined(parts: Iterable[str | File]) -> str:
    return "".join(part for part in parts if isinstance(part, str))


def parts_of(message: Mapping[str, Any]) -> list[str | File]:
    """Raises Invalid for a part that can't be answered."""
    content = message.get("content", "")
    if content is None or isinstance(content, str):
        return [content or ""]
    if not isinstance(content, list):
        raise Invalid("content is a text or a list of parts.", field="messages")
    return [*map(part_of, content)]


def part_of(part: Any) -> str | File:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind == "text" and isinstance(text := part.get("text", part.get("content")), str):
        return text
    if kind in ("image", "document"):
        return source_of(part)
    if kind == "binary":  # as it was before 1.0
        if data := part.get("data"):
            return of_base64(data, part.get("filename"), "messages")
        return of_url(part.get("url"), part.get("filename"), "messages")
    raise Invalid("A part is text, an image or a document.", field="messages")


def source_of(part: Mapping[str, Any]) -> File:
    source, more = part.get("source"), part.get("metadata")
    name = more.get("filename") if isinstance(more, Mapping) else ""
    if not isinstance(source, Mapping) or source.get("type") not in ("data", "url"):
        raise Invalid("The source of a file is its data, in base64.", field="messages")
    read = of_base64 if source["type"] == "data" else of_url
    return read(source.get("value"), name, "messages")


def shown(message: MessageState, address: Address) -> dict[str, Any]:
    """Returns a message as AG-UI has it, its files by their addresses here, and with the `parts`
    that TanStack AI reads."""
    key = message.client_key
    text = "".join(it["text"] for it in message.blocks if it["kind"] in ("text", "refusal"))
    thoughts = [it["text"] for it in message.blocks if it["kind"] == "reasoning"]
    files = [file_part(each, address(each)) for each in file_references.of_blocks(message.blocks)]
    said = [{"type": "text", "text": text}] if text else []
    return {
        "id": client_ids.client_id(key) if key else message.id,
        "role": message.role,
        "content": [*files, *said] if files else text,
        "parts": [
            *({"type": "thinking", "content": each} for each in thoughts),
            *files,
            {"type": "text", "content": text},
        ],
    }


def file_part(file: file_references.Reference, address: str) -> dict[str, Any]:
    return {
        "type": "image" if kinds.is_image(file["type"]) else "document",
        "source": {"type": "url", "value": address, "mimeType": file["type"]},
        "metadata": {"filename": file["name"]},
    }
