"""Messages that were sent, as items of an input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from streams.attachments import kinds
from streams.dialects.files import Address
from streams.log import file_references

from . import ids


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
