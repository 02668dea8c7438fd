"""A stream that waits for PostgreSQL is still a stream."""

from __future__ import annotations

import asyncio

import pytest

from streams import sse
from streams.conf import Streams
from streams.log import Stored
from streams.stream import Stream
from streams.tail import Tail


class WaitingHub:
    """A hub whose PostgreSQL answers when it is told to."""

    def __init__(self):
        self.conf = Streams()
        self.now = 1000.0
        self.epoch = "e"
        self.back = asyncio.Event()
        self.reads = 0

    async def catch_up(self, conversation_id, after):
        self.reads += 1
        await self.back.wait()
        return [Stored(n, None, "conversation.updated", "{}") for n in range(after + 1, 8)], False


@pytest.fixture
def hub():
    return WaitingHub()


@pytest.fixture
def stream(hub):
    """At 3, of a log that stands at 7 and is not in memory."""
    tail = Tail(1, 7, 1000, 10**6)
    return Stream(hub, tail, 7, 3, 1, None)


async def test_it_beats_and_then_goes_on(hub, stream):
    frames = stream.frames()
    for _ in range(3):
        waiting = asyncio.ensure_future(anext(frames))
        await asyncio.sleep(0)
        hub.now += hub.conf.ping
        while not waiting.done():
            stream.wake()
            await asyncio.sleep(0)
        assert waiting.result() == sse.PING
    hub.back.set()
    history = await anext(frames)
    assert [line for line in history.split(b"\n") if line.startswith(b"id")] == [
        b"id: 4", b"id: 5", b"id: 6", b"id: 7",
    ]  # fmt: skip
    assert b"event: sync" in history
    assert hub.reads == 1, "one read, however long it took"
    await frames.aclose()


async def test_it_says_bye_without_waiting_any_longer(hub, stream):
    frames = stream.frames()
    waiting = asyncio.ensure_future(anext(frames))
    await asyncio.sleep(0)
    stream.finish(sse.BYE)
    assert await asyncio.wait_for(waiting, 1) == sse.BYE
    assert [frame async for frame in frames] == []


async def test_a_read_that_nobody_waits_for_is_let_go(hub, stream):
    frames = stream.frames()
    waiting = asyncio.ensure_future(anext(frames))
    await asyncio.sleep(0)
    stream.finish(b"")
    with pytest.raises(StopAsyncIteration):
        await waiting
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


async def test_rows_that_went_from_the_table_are_not_asked_for_for_ever(hub):
    """A log that was emptied under a stream which lags: what memory holds goes on."""
    tail = Tail(1, 0, 1000, 10**6)
    tail.extend([Stored(n, None, "conversation.updated", "{}") for n in range(1, 101)])
    stream = Stream(hub, tail, 100, 7, 1, None)
    hub.back.set()
    history = await asyncio.wait_for(anext(stream.frames()), 5)
    assert history.count(b"id: ") == 93
    assert hub.reads == 1
