"""The answer a run has written so far, and how much more it may write."""

from __future__ import annotations

from collections.abc import Sequence

from ..conf import Settings
from ..log.transcript import Block
from ..providers.base import BlockDelta, BlockEnded, BlockStarted, Finished, Kind
from ..providers.stop_reason_words import ending
from ..text_cleaning import clean

CALL_ID = 180  # characters

BlockEvent = BlockStarted | BlockDelta | BlockEnded


class Answer:
    """The blocks of an answer as they grow; `open` holds those that have not ended. Names of tool
    calls count as text.

    Told of each event once that is on its way to the log, it equals what the log folds to.
    """

    def __init__(self, conf: Settings, blocks: Sequence[Block] = ()) -> None:
        self.conf = conf
        self.open: set[int] = set()
        self.spoken = False
        self._parts: dict[int, tuple[Block, list[str]]] = {}
        self._length = 0
        self.resume(blocks)

    def resume(self, blocks: Sequence[Block]) -> None:
        """Takes over what an earlier attempt has written for good."""
        for block in blocks:
            self.start({name: value for name, value in block.items() if name != "text"})
            self.grow(block["index"], block["text"])
            self.end(block["index"])

    def __len__(self) -> int:
        return len(self._parts)

    @property
    def room(self) -> int:
        """Returns how many characters more it may have."""
        return self.conf.answer_characters - self._length

    def fitting(self, event: BlockEvent) -> BlockEvent | None:
        """Returns as much of an event as there is room for: all of it, its beginning, or
        nothing.
        """
        room = self.room
        match event:
            case BlockDelta(index, text) if len(text) > room:
                return BlockDelta(index, text[:room]) if room else None
            case BlockStarted(_, _, name, call_id):
                fits = len(self._parts) < self.conf.answer_blocks
                return event if fits and len(name) + len(call_id) <= room else None
        return event

    def start(self, block: Block) -> None:
        self._parts[block["index"]] = (block, [])
        self._length += len(block.get("name", "")) + len(block.get("call_id", ""))
        self.open.add(block["index"])

    def grow(self, index: int, text: str) -> None:
        self._parts[index][1].append(text)
        self._length += len(text)

    def end(self, index: int) -> None:
        self.open.discard(index)

    def blocks(self) -> Sequence[Block]:
        return [{**block, "text": "".join(parts)} for block, parts in self._parts.values()]

    def length_from(self, first: int) -> int:
        """Counts the characters of the blocks from this index on."""
        return sum(len(block["text"]) for block in self.blocks()[first:])

    def distinct(self, call_id: str, index: int) -> str:
        """Returns an id that no other call of this answer has: some services count anew with every
        request, or send none.
        """
        taken = {block.get("call_id") for block, _ in self._parts.values()}
        short = call_id[:CALL_ID]
        return short if short and short not in taken else f"{short}#{index}"

    def is_empty(self, end: Finished) -> bool:
        """Tells whether a completed answer has no content; reasoning alone is none."""
        said = (block for block in self.blocks() if block["kind"] != Kind.REASONING)
        return not ending(end.stop_reason) and not any(
            block["kind"] == Kind.TOOL_CALL or block["text"].strip() for block in said
        )


def begun(event: BlockStarted) -> Block:
    """Makes a block from its first event."""
    block: Block = {"index": event.index, "kind": str(event.kind)}
    if event.kind is Kind.TOOL_CALL:
        block |= {"name": clean(event.name), "call_id": clean(event.call_id)}
    return block
