"""Frames and cursors, pure."""

from __future__ import annotations

import pytest

from streams.exceptions import BadCursor
from streams.realtime import cursor, sse


def test_a_frame_is_id_type_and_data():
    assert sse.frame(7, "block.delta", '{"text": "é"}') == (
        'id: 7\nevent: block.delta\ndata: {"text": "é"}\n\n'.encode()
    )


def test_an_unnumbered_frame_has_no_id():
    assert b"id:" not in sse.unnumbered("sync", head=3, epoch="e")


@pytest.mark.parametrize(
    ("header", "after", "expected"),
    [
        (None, None, 0),
        (None, "7", 7),
        ("9", "7", 9),
        ("", "7", 7),
        (None, "0", 0),
        (None, "007", 7),
        (None, str(2**63 - 1), 2**63 - 1),
    ],
)
def test_the_header_wins_over_the_query(header, after, expected):
    assert cursor.parse(header, after) == expected


@pytest.mark.parametrize("text", ["-1", "x", "", "1.0", " 1", "1e3", "٣", "9" * 30, str(2**63)])
def test_a_malformed_cursor_is_refused(text):
    with pytest.raises(BadCursor):
        cursor.parse(None, text)


def test_retry_is_spread():
    assert len({sse.retry(1000) for _ in range(50)}) > 10
