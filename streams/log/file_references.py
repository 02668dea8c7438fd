"""References to attached files, as messages and events hold them in place of the bytes; pure.

A reference is `{"id", "name", "type", "size"}`, and of an image also `{"width", "height"}`. In a
message it is a block of the kind "attachment", behind the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import imported_calls

Reference = dict[str, Any]

FIELDS = ("id", "name", "type", "size", "width", "height")
KIND = "attachment"


def said(
    text: str,
    attachments: Iterable[Mapping[str, Any]] = (),
    calls: Iterable[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Returns the blocks of a message that was said whole."""
    blocks: list[dict[str, Any]] = [{"index": 0, "kind": "text", "text": text}]
    for index, each in enumerate(attachments, 1):
        known = {name: each[name] for name in FIELDS if name in each}
        blocks.append({"index": index, "kind": KIND, "text": "", **known})
    return blocks + imported_calls.as_blocks(calls, len(blocks))


def of_blocks(blocks: Iterable[Mapping[str, Any]]) -> list[Reference]:
    """Returns the references in a message's blocks."""
    return [
        {name: block[name] for name in FIELDS if name in block}
        for block in blocks
        if block["kind"] == KIND
    ]


def ids_of(blocks: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(each["id"]) for each in of_blocks(blocks)]
