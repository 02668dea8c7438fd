"""Blocks are numbered, ended once, and whole in every character."""

from __future__ import annotations

from streams.providers.base import BlockDelta, BlockEnded, BlockStarted, Kind
from streams.providers.block_numbering import Blocks


def test_interleaved_blocks_keep_their_numbers() -> None:
    blocks = Blocks()
    events = [
        *blocks.grow("a", Kind.TEXT, "1"),
        *blocks.grow("b", Kind.REASONING, "2"),
        *blocks.grow("a", Kind.TEXT, "3"),
        *blocks.end("a"),
        *blocks.end("a"),
        *blocks.end_all(),
        *blocks.end_all(),
    ]
    assert events == [
        BlockStarted(0, Kind.TEXT),
        BlockDelta(0, "1"),
        BlockStarted(1, Kind.REASONING),
        BlockDelta(1, "2"),
        BlockDelta(0, "3"),
        BlockEnded(0),
        BlockEnded(1),
    ]


def test_no_text_starts_no_block() -> None:
    assert Blocks().grow("a", Kind.TEXT, "") == []


def test_a_pair_that_two_deltas_split_is_one_character() -> None:
    blocks = Blocks()
    blocks.start("a", Kind.TEXT)
    assert blocks.grow("a", Kind.TEXT, "wave \ud83c") == [BlockDelta(0, "wave ")]
    assert blocks.grow("a", Kind.TEXT, "\udf0a!") == [BlockDelta(0, "🌊!")]


def test_half_a_pair_alone_is_replaced() -> None:
    blocks = Blocks()
    blocks.start("a", Kind.TEXT)
    assert blocks.grow("a", Kind.TEXT, "\udf0a!") == [BlockDelta(0, "�!")]
    assert blocks.grow("a", Kind.TEXT, "\ud83c") == []
    assert blocks.grow("a", Kind.TEXT, "!") == [BlockDelta(0, "�!")]
    assert blocks.grow("a", Kind.TEXT, "\ud83c") == []
    assert blocks.end("a") == [BlockDelta(0, "�"), BlockEnded(0)]
