"""The blocks of one message of Anthropic's as they came, for sending them again verbatim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from streams.providers import payload

# What each kind of delta adds to, in the block itself. A tool's input comes as JSON text.
ADDED = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
PLAIN = ("text", "tool_use")


class Items:
    """Collects blocks. `whole` returns them, or nothing where none of them is opaque."""

    def __init__(self) -> None:
        self._blocks: dict[int | str | None, dict[str, Any]] = {}
        self._grown: dict[tuple[int | str | None, str], list[str]] = {}

    def start(self, index: int | str | None, block: dict[str, Any]) -> None:
        self._blocks[index] = dict(block)

    def grow(self, index: int | str | None, delta: dict[str, Any]) -> None:
        type = payload.text(delta.get("type"))
        field = "input" if type == "input_json_delta" else ADDED.get(type)
        if index not in self._blocks or field is None:
            return
        added = payload.text(delta.get("partial_json" if field == "input" else field))
        self._grown.setdefault((index, field), []).append(added)

    def whole(self) -> Sequence[dict[str, Any]]:
        if all(block.get("type") in PLAIN for block in self._blocks.values()):
            return ()
        for (index, field), texts in self._grown.items():
            block, text = self._blocks[index], "".join(texts)
            if field == "input":
                block[field] = parsed(text)
            else:
                block[field] = payload.text(block.get(field)) + text
        return payload.opaque(list(self._blocks.values()))


def parsed(arguments: str) -> Any:
    try:
        return orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:
        return {}
