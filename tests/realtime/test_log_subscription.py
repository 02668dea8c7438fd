"""A stream stays open and sends pings while PostgreSQL is away."""

from __future__ import annotations

import asyncio

import pytest

from streams.conf import Settings
from streams.log import OneRun, StoredEvent
from streams.models import Device
from streams.realtime import sse
from streams.realtime.event_buffer import EventBuffer
from streams.realtime.hub import Hub
from streams.realtime.log_subscription import LogSubscription

DEVICE = Device(pk=1, user_id=1)


class WaitingHub:
    """A hub whose PostgreSQL answers when it is told to."""

    def __init__(self):
        self.conf = Settings()
        self.now = 1000.0
        self.epoch = "e"
        self.back = asyncio.Event()
        self.reads = 0

    async def catch_up(self, conversation_id, after, most=None):
        self.reads += 1
        await self.back.wait()
        return titles(after + 1, 7), False


@pytest.fixture
def hub():
    return WaitingHub()


@pytest.fixture
def stream(hub):
    """At 3, of a log that stands at 7 and is not in memory."""
    buffer = EventBuffer(1, 7, 1000, 10**6)
    return LogSubscription(hub, buffer, DEVICE, head=7, cursor=3)


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


class PagedHub(WaitingHub):
    """A hub whose table is a list, read `page` rows at a time; a read may be overtaken."""

    def __init__(self, rows, page=1000):
        super().__init__()
        self.rows, self.page = rows, page
        self.meanwhile = lambda: None

    async def catch_up(self, conversation_id, after, most=None):
        self.reads += 1
        assert self.reads < 50, "it asks for ever"
        past = [row for row in self.rows if row.seq > after][: self.page]
        self.meanwhile()
        await asyncio.sleep(0)
        return past, len(past) == self.page


def titles(first, last, run=None):
    return [StoredEvent(n, run, "conversation.updated", "{}") for n in range(first, last + 1)]


def ids(frames):
    return [int(line[4:]) for line in frames.split(b"\n") if line.startswith(b"id: ")]


async def heard(stream, last):
    """The numbers a client has seen once it has come to `last`."""
    seen = []
    async with asyncio.timeout(5):
        async for data in stream.frames():
            seen += ids(data)
            if seen[-1:] == [last]:
                break
    return seen


async def test_a_past_of_many_pages_is_read_to_its_end():
    """The tail begins behind all of it: only what was read moves the cursor."""
    hub = PagedHub(titles(1, 7), page=2)
    buffer = EventBuffer(1, 7, 1000, 10**6)
    buffer.extend(titles(8, 9))
    assert await heard(LogSubscription(hub, buffer, DEVICE, head=9, cursor=0), 9) == list(
        range(1, 10)
    )


async def test_what_the_tail_drops_during_a_read_is_read_after_it():
    buffer = EventBuffer(1, 3, 4, 10**6)
    hub = PagedHub(titles(1, 3))
    table = titles(1, 20)

    def meanwhile():
        hub.rows, hub.meanwhile = table, lambda: None
        for row in table[3:]:
            buffer.extend([row])

    hub.meanwhile = meanwhile
    assert await heard(LogSubscription(hub, buffer, DEVICE, head=3, cursor=0), 20) == list(
        range(1, 21)
    )


async def test_rows_between_the_table_and_the_tail_that_are_gone_are_passed_over():
    """Emptied or folded while this one was away: it goes on with what there is."""
    hub = PagedHub(titles(1, 3))
    buffer = EventBuffer(1, 6, 1000, 10**6)
    buffer.extend(titles(7, 8))
    assert await heard(LogSubscription(hub, buffer, DEVICE, head=8, cursor=0), 8) == [
        1,
        2,
        3,
        7,
        8,
    ]
    assert hub.reads <= 2


async def test_a_hole_in_the_tail_moves_the_cursor_as_far_as_it_is_wide():
    """A hole means folded: what came behind it must not come again."""
    buffer = EventBuffer(1, 0, 1000, 10**6)
    buffer.extend([*titles(1, 1), *titles(50, 50)])
    stream = LogSubscription(PagedHub([]), buffer, DEVICE, head=50, cursor=0)
    frames = stream.frames()
    assert ids(await anext(frames)) == [1, 50]
    buffer.extend(titles(51, 51))
    assert ids(await anext(frames)) == [51]
    await frames.aclose()


async def test_one_runs_stream_passes_over_a_past_that_is_all_others():
    """Its cursor comes from the rows that were read, not from the frames that were sent."""
    hub = PagedHub(titles(1, 60, run=5) + titles(61, 61, run=9), page=20)
    buffer = EventBuffer(1, 61, 1000, 10**6)
    assert await heard(
        LogSubscription(hub, buffer, DEVICE, head=61, cursor=0, run=OneRun(9, "r")), 61
    ) == [61]


async def test_rows_that_went_from_the_table_are_not_asked_for_for_ever(hub):
    """A log that was emptied under a stream which lags: what memory holds goes on."""
    buffer = EventBuffer(1, 0, 1000, 10**6)
    buffer.extend([StoredEvent(n, None, "conversation.updated", "{}") for n in range(1, 101)])
    stream = LogSubscription(hub, buffer, DEVICE, head=100, cursor=7)
    hub.back.set()
    history = await asyncio.wait_for(anext(stream.frames()), 5)
    assert history.count(b"id: ") == 93
    assert hub.reads == 1


async def test_what_nobody_follows_any_more_is_let_go():
    hub = Hub(Settings())
    streams = [
        hub.join(place, Device(pk=device, user_id=7), head=0, cursor=0)
        for place in (1, 2)
        for device in (1, 2)
    ]
    alone = hub.join_alone(Device(pk=3, user_id=7))
    alone.side_channels.append(hub.feeds.follow(7, alone))
    for stream in (*streams, alone):
        hub.leave(stream)
    assert (len(hub.buffers), hub.feeds._feeds) == (0, {})
    assert hub.streams == []
    assert hub.quota._users == hub.quota._devices == {}


def joins(seq, run_id, into):
    return StoredEvent(seq, run_id, "run.steered", f'{{"run": "{into}", "absorbed": "x"}}')


def numbers(frames):
    return [int(line[4:]) for line in frames.split(b"\n") if line.startswith(b"id: ")]


@pytest.mark.parametrize("live", [True, False])
async def test_the_stream_of_one_run_shows_which_prompts_join_it_and_goes_on(hub, live):
    """That event is stored as the end of the run which joins; it ends that one's stream alone."""
    rows = [
        joins(4, 2, "a"), StoredEvent(5, 3, "run.queued", "{}"), joins(6, 3, "other"),
        StoredEvent(7, 1, "run.completed", "{}"),
    ]  # fmt: skip

    async def catch_up(conversation_id, after, most=None):
        return [row for row in rows if row.seq > after], False

    hub.catch_up = catch_up
    for run, shown in ((OneRun(1, "a"), [4, 7]), (OneRun(2, "b"), [4]), (OneRun(3, "c"), [5, 6])):
        buffer = EventBuffer(1, 3 if live else 7, 1000, 10**6)
        stream = LogSubscription(hub, buffer, DEVICE, head=7, cursor=3, run=run)
        if live:
            buffer.extend(rows)
        told = b"".join([frame async for frame in stream.frames()])
        assert numbers(told) == shown
