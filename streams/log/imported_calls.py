"""Calls of messages that were said elsewhere, each with what became of it; pure.

A call is `{"call_id", "name", "arguments", "result"}`, all of them text. In a message it is a block
of the kind "tool_call" behind the text; the calls of answers that were made here have no `result`
there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

ImportedCall = dict[str, str]

KIND = "tool_call"


def as_blocks(calls: Iterable[Mapping[str, Any]], begin: int) -> list[dict[str, Any]]:
    """Returns calls as blocks, the first of which has the index `begin`."""
    return [
        {
            "index": index,
            "kind": KIND,
            "text": each["arguments"],
            "name": each["name"],
            "call_id": each["call_id"],
            "result": each["result"],
        }
        for index, each in enumerate(calls, begin)
    ]


def of_blocks(blocks: Iterable[Mapping[str, Any]]) -> list[ImportedCall]:
    """Returns the calls in the blocks of a message."""
    return [
        {
            "call_id": block["call_id"],
            "name": block["name"],
            "arguments": block["text"],
            "result": block["result"],
        }
        for block in blocks
        if block["kind"] == KIND and "result" in block
    ]
