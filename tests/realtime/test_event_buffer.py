"""The recent rows of a conversation: bounded, whatever comes, and exact within its bounds."""

from __future__ import annotations

import pytest

from streams.log import StoredEvent
from streams.realtime import sse
from streams.realtime.event_buffer import EventBuffer


def row(seq, size=2):
    return StoredEvent(seq, None, "block.delta", "x" * size)


def held(buffer):
    """Rows and bytes in memory, counted by looking."""
    frames = [frame for _, _, frame in buffer._frames]
    return len(frames), sum(map(len, frames))


def test_it_never_holds_more_rows_than_it_may():
    buffer = EventBuffer(1, 0, most_rows=10, most_bytes=10**6)
    for n in range(1, 1000):
        buffer.extend([row(n)])
        assert held(buffer)[0] <= 10
        assert buffer.after(buffer.floor) == b"".join(
            sse.frame(seq, "block.delta", row(seq).data) for seq in range(buffer.floor + 1, n + 1)
        )


@pytest.mark.parametrize("size", [100, 900, 5000], ids=["small", "large", "larger than all of it"])
def test_it_never_holds_more_bytes_than_it_may(size):
    buffer = EventBuffer(1, 0, most_rows=10**6, most_bytes=2000)
    for n in range(1, 200):
        buffer.extend([row(n, size)])
        assert held(buffer)[1] <= 2000
        assert held(buffer)[0] or size > 2000, "and it is of some use"
        assert buffer.head == n
        assert buffer.holds(n)


def test_one_large_batch_is_cut_too():
    buffer = EventBuffer(1, 0, most_rows=10, most_bytes=10**6)
    buffer.extend([row(n) for n in range(1, 500)])
    assert held(buffer)[0] <= 10
    assert not buffer.holds(buffer.floor - 1)


def test_what_was_joined_for_some_is_bounded_however_many_places_they_stand_at():
    buffer = EventBuffer(1, 0, most_rows=1000, most_bytes=10_000)
    buffer.extend([row(n, 100) for n in range(1, 60)])
    for cursor in range(60):
        assert buffer.after(cursor).count(b"id: ") == 59 - cursor
        assert sum(map(len, buffer._joined.values())) <= 10_000
    assert buffer.after(58) is buffer.after(58), "joined once for all who stand there"


def test_who_stands_at_the_head_is_given_what_came_since():
    buffer = EventBuffer(1, 0, most_rows=10, most_bytes=10**6)
    buffer.extend([row(1)])
    assert buffer.after(0).count(b"id: ") == 1
    buffer.extend([row(2)])
    assert buffer.after(0).count(b"id: ") == 2
    assert buffer.after(2) == b""


def test_a_row_that_was_there_already_is_not_taken_twice():
    buffer = EventBuffer(1, 5, most_rows=10, most_bytes=10**6)
    buffer.extend([row(5), row(6), row(6)])
    assert (held(buffer)[0], buffer.head) == (1, 6)
