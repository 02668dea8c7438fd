"""Turns upstream events into numbered blocks, each of which is ended."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from streams.providers import payload
from streams.providers.base import BlockDelta, BlockEnded, BlockStarted, Kind, ProviderEvent

SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class Block:
    index: int
    half: str = ""  # the first half of a character whose second has not come yet
    grown: bool = False


class Blocks:
    """The blocks of one answer, found by whatever key the vendor uses.

    Text and names come from the vendor: a wrong one raises before anything has changed here.
    """

    def __init__(self) -> None:
        self.kinds: set[Kind] = set()
        self._open: dict[Hashable, Block] = {}
        self._count = 0

    def __contains__(self, key: Hashable) -> bool:
        return key in self._open

    def start(
        self, key: Hashable, kind: Kind, name: Any = "", call_id: Any = ""
    ) -> list[ProviderEvent]:
        """Starts a block, and ends one that is still open under this key."""
        name, call_id = (
            payload.name(name),
            payload.name(call_id, payload.CALL_ID),
        )
        ended = self.end(key)
        block = self._open[key] = Block(self._count)
        self._count += 1
        self.kinds.add(kind)
        return [*ended, BlockStarted(block.index, kind, name, call_id)]

    def grow(self, key: Hashable, kind: Kind, text: Any) -> list[ProviderEvent]:
        """Adds text to a block, which is started if needed; nothing for an empty text."""
        text = payload.text(text)
        if not text:
            return []
        block = self._open.get(key)
        if block and not block.half and text.isascii():  # as nearly all is
            block.grown = True
            return [BlockDelta(block.index, text)]
        events = [] if block else self.start(key, kind)
        block = self._open[key]
        block.grown = True
        if block.half or not text.isascii():
            text = whole(block, text)
        if text:
            events.append(BlockDelta(block.index, text))
        return events

    def end(self, key: Hashable, text: Any = "") -> list[ProviderEvent]:
        """Ends a block if it is open; `text` is its whole text, from servers that sent no
        deltas.
        """
        text = payload.text(text)
        block = self._open.pop(key, None)
        if block is None:
            return []
        events: list[ProviderEvent] = [BlockEnded(block.index)]
        rest = "\N{REPLACEMENT CHARACTER}" if block.half else "" if block.grown else text
        return [BlockDelta(block.index, rest), *events] if rest else events

    def end_all(self) -> list[ProviderEvent]:
        return [event for key in list(self._open) for event in self.end(key)]


def whole(block: Block, text: str) -> str:
    """Joins `text` with a surrogate kept from the last delta, and keeps back a new one at its end.

    Servers that cut text by UTF-16 units split pairs, and PostgreSQL refuses the halves.
    """
    text, block.half = block.half + text, ""
    if not SURROGATE.search(text):
        return text
    if "\ud800" <= text[-1] <= "\udbff":
        text, block.half = text[:-1], text[-1]
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
