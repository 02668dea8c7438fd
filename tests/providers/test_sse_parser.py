"""Bytes in any pieces give the same events."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.providers import sse_parser
from streams.providers.base import Code, ProviderError, ProviderEvent
from streams.providers.payload import Unreadable
from streams.providers.sse_parser import Frames, parse
from tests.complexity import growth, is_linear, repeated
from tests.providers.http_adapters import Dialect, greeting, joined

NEWLINES = (b"\n", b"\r\n", b"\r")
FRAGMENTS = [
    *(
        b"data: 1",
        b"data:2",
        b"data: ",
        b"data",
        b"event: x",
        b"event:",
        b": ping",
        b"\xef\xbb\xbf",
    ),
    *(b"\n", b"\r", b"\r\n", b"\n\n", b"data: 3\n\n", b"event: x\ndata: 4\n\n"),
]


def understood(dialect: Dialect, *pieces: bytes) -> list[ProviderEvent]:
    frames, reader, events = Frames(), dialect.reader(), []
    for piece in pieces:
        for frame in frames.feed(piece):
            events += reader.read(parse(frame)) or []
    return joined(events)


@pytest.mark.parametrize("newline", NEWLINES, ids=["LF", "CRLF", "CR"])
def test_a_stream_cut_at_any_byte_says_the_same(dialect: Dialect, newline: bytes) -> None:
    body = dialect.whole.replace(b"\n", newline)
    for cut in range(len(body) + 1):
        assert understood(dialect, body[:cut], body[cut:]) == greeting(dialect.usage), cut


@pytest.mark.parametrize("newline", NEWLINES, ids=["LF", "CRLF", "CR"])
def test_a_stream_cut_at_every_byte_says_the_same(dialect: Dialect, newline: bytes) -> None:
    body = dialect.whole.replace(b"\n", newline)
    assert understood(dialect, *(bytes([byte]) for byte in body)) == greeting(dialect.usage)


@pytest.mark.parametrize(
    ("body", "frames"),
    [
        (b"data: 1\n\ndata: 2\n\n", [b"1", b"2"]),
        (b"data:1\n\n", [b"1"]),
        (b"data:  1\n\n", [b" 1"]),
        (b"data: 1\ndata: 2\n\n", [b"1\n2"]),
        (b"data\n\n", [b""]),
        (b"\xef\xbb\xbfdata: 1\n\n", [b"1"]),
        (b": a comment\n\nevent: x\nid: 1\nretry: 1\ndata: 1\n\n", [b"1"]),
        (b"datas: 1\n\ndata : 1\n\n", []),
        (b"event: x\n\n\n\n", []),
        (b"data: no blank line after it\n", []),
        (b"data: a\x0bb\x0cc\x1cd\xe2\x80\xa8\n\n", [b"a\x0bb\x0cc\x1cd\xe2\x80\xa8"]),
    ],
)
def test_frames_follow_the_specification(body: bytes, frames: list[bytes]) -> None:
    for cut in range(len(body) + 1):
        decoder = Frames()
        assert decoder.feed(body[:cut]) + decoder.feed(body[cut:]) == frames


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12), st.lists(st.integers(0, 99), max_size=4))
def test_whole_events_and_bytes_one_by_one_are_read_alike(
    fragments: list[bytes], cuts: list[int]
) -> None:
    body = b"".join(fragments)
    pieces, bytewise = Frames(), Frames()
    bounds = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    read = [frame for a, b in pairwise(bounds) for frame in pieces.feed(body[a:b])]
    assert read == [frame for byte in body for frame in bytewise.feed(bytes([byte]))]


def test_a_line_feed_that_comes_alone_belongs_to_the_return_before_it_once() -> None:
    decoder = Frames()
    pieces = (b"data: 1\r", b"\n", b"\n", b"data: 2\r\n\r\n")
    assert [frame for piece in pieces for frame in decoder.feed(piece)] == [b"1", b"2"]


@pytest.mark.parametrize("piece", [b"x" * 100, b"data: " + b"x" * 100 + b"\n", b"data\n" * 60])
def test_an_event_without_an_end_cannot_fill_the_memory(piece: bytes, monkeypatch) -> None:
    monkeypatch.setattr(sse_parser, "LIMIT", 1000)
    frames = Frames()
    with pytest.raises(ProviderError) as caught:
        deque(map(frames.feed, [piece] * 20))
    assert caught.value.code is Code.PROTOCOL


def test_many_small_events_are_not_one_large_one(monkeypatch) -> None:
    monkeypatch.setattr(sse_parser, "LIMIT", 100)
    frames = Frames()
    assert (
        sum(len(frames.feed(b": ping\n\nda") + frames.feed(b"ta: 1\n\n")) for _ in range(99)) == 99
    )


def test_half_a_surrogate_pair_is_read_as_the_vendor_sent_it() -> None:
    assert parse(rb'{"delta": "\ud83c"}') == {"delta": "\ud83c"}


@pytest.mark.parametrize(
    "data",
    [
        b"{oops",
        b"[1]",
        b"7",
        b"\xff",
        b": PROCESSING",
        b"[" * 100_000,
        rb'"\ud83c' + b"[" * 100_000,
    ],
)
def test_what_is_no_object_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        parse(data)


@pytest.mark.parametrize("data", [b"", b" ", b"null", b"{}"])
def test_nothing_is_an_event_that_carries_nothing(data: bytes) -> None:
    assert parse(data) == {}


@pytest.mark.parametrize("unit", [b"data: x\n\n", b"data:\n", b"\n", b"x", b"data: ", b"\r"])
def test_reading_takes_time_in_proportion(unit: bytes) -> None:
    def read(body: bytes) -> None:
        frames = Frames()
        for at in range(0, len(body), 1000):
            frames.feed(body[at : at + 1000])

    times = growth(read, lambda length: repeated(unit, length), 2_000_000)
    assert is_linear(times), times
