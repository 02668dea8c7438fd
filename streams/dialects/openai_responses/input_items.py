"""Messages that were sent, as items of an input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from streams.attachments import kinds
from streams.dialects import openai_ids as ids
from streams.dialects.files import Address
from streams.log import file_references, imported_calls


def input_items(
    id: UUID | str, role: str, blocks: Sequence[Mapping[str, Any]], address: Address
) -> list[dict[str, Any]]:
    """Returns a message as items: what was said, unless it is nothing, and what was called."""
    calls = imported_calls.of_blocks(blocks)
    said = [block for block in blocks if block["kind"] != imported_calls.KIND]
    silent = calls and not any(block["text"] for block in said)
    called = [item for at, call in enumerate(calls) for item in call_items(id, at, call)]
    return [*([] if silent else [input_item(id, role, said, address)]), *called]


def call_items(
    id: UUID | str, at: int, call: imported_calls.ImportedCall
) -> Iterator[dict[str, Any]]:
    known = {"call_id": call["call_id"], "status": "completed"}
    asked_for = {"name": call["name"], "arguments": call["arguments"]}
    yield {
        "id": ids.item_id("tool_call", id, at), "type": "function_call", **known, **asked_for,
    }  # fmt: skip
    output = {"type": "function_call_output", "output": call["result"]}
    yield {"id": ids.item_id("tool_result", id, at), **output, **known}


def input_item(
    id: UUID | str, role: str, blocks: Sequence[Mapping[str, Any]], address: Address
) -> dict[str, Any]:
    """Returns a message as an item; its files are named by their addresses here."""
    text = "".join(block["text"] for block in blocks)
    files = [file_part(each, address(each)) for each in file_references.of_blocks(blocks)]
    if role != "user":
        said = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    else:
        said = [{"type": "input_text", "text": text}] if text or not files else []
    return {
        "id": ids.message_id(id),
        "type": "message",
        "role": role,
        "status": "completed",
        "content": [*files, *said],
    }


def file_part(file: file_references.Reference, address: str) -> dict[str, Any]:
    if kinds.is_image(file["type"]):
        return {"type": "input_image", "detail": "auto", "image_url": address}
    return {"type": "input_file", "filename": file["name"], "file_url": address}
