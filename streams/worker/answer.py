"""What a run has written of its answer so far, and what there is still room for."""

from __future__ import annotations

from collections.abc import Sequence

from ..conf import Settings
from ..log.transcript import Block
from ..providers.base import BlockDelta, BlockEnded, BlockStarted, Finished, Kind, ending
from ..text import clean

BlockEvent = BlockStarted | BlockDelta | BlockEnded


class Answer:
    """Blocks as they grow; those in `open` have not ended. The names of tool calls count as text.

    Told of an event once that is on its way to the log, it is what the log folds to.
    """

    def __init__(self, conf: Settings) -> None:
        self.conf = conf
        self.open: set[int] = set()
        self._parts: dict[int, tuple[Block, list[str]]] = {}
        self._length = 0

    def fitting(self, event: BlockEvent) -> BlockEvent | None:
        """What there is room for of an event: all of it, its beginning or nothing."""
        room = self.conf.answer_characters - self._length
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

    def is_empty(self, end: Finished) -> bool:
        """Whether it ends as a whole answer does, without one: thoughts are none."""
        said = (block for block in self.blocks() if block["kind"] != Kind.REASONING)
        return not ending(end.stop_reason) and not any(
            block["kind"] == Kind.TOOL_CALL or block["text"].strip() for block in said
        )


def begun(event: BlockStarted) -> Block:
    """A block as its first event shows it."""
    block: Block = {"index": event.index, "kind": str(event.kind)}
    if event.kind is Kind.TOOL_CALL:
        block |= {"name": clean(event.name), "call_id": clean(event.call_id)}
    return block
