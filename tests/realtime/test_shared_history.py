"""Many who come back to one conversation share the reads of its past, and each gets all of it."""

from __future__ import annotations

import asyncio
import random

import pytest

from streams.conf import Settings
from streams.log import StoredEvent
from streams.models import Device
from streams.realtime.event_buffer import EventBuffer
from streams.realtime.log_subscription import LogSubscription
from streams.realtime.shared_history import STEP, CatchUp, SharedHistory

DEVICE = Device(pk=1, user_id=1)
PAGE = 5000


class Table:
    """A log whose reads take a few turns of the loop, each of what stood there when it began."""

    def __init__(self, numbers):
        self.conf, self.now, self.epoch = Settings(), 0.0, "e"
        self.rows = [StoredEvent(n, 1, "block.delta", "{}") for n in numbers]
        self.read = 0
        self.asked = []
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def catch_up(self, conversation_id, after, most=None):
        limit = min(most or PAGE, PAGE)
        found = [row for row in self.rows if row.seq > after][:limit]
        self.read += len(found)
        self.asked.append((after, most))
        self.begun.set()
        await asyncio.sleep(0)
        await self.may_end.wait()
        return found, len(found) == limit


def ids(frames):
    return [int(line[4:]) for line in frames.split(b"\n") if line.startswith(b"id: ")]


async def read_to(stream, last):
    seen = []
    async with asyncio.timeout(20):
        async for data in stream.frames():
            seen += ids(data)
            if stream.cursor >= last:
                break
    return seen


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kept", [1.0, 0.2], ids=["dense", "compacted"])
async def test_each_gets_what_it_lacks_and_most_is_read_once(seed, kept):
    chance = random.Random(seed)
    numbers = [n for n in range(1, 3001) if chance.random() < kept or n == 3000]
    table = Table(numbers)
    buffer = EventBuffer(1, 3000, 1000, 10**6)
    cursors = [chance.randrange(3000) for _ in range(200)]
    streams = [LogSubscription(table, buffer, DEVICE, head=3000, cursor=n) for n in cursors]
    told = await asyncio.gather(*(read_to(stream, 3000) for stream in streams))
    assert told == [[n for n in numbers if n > cursor] for cursor in cursors]
    apart = sum(len([n for n in numbers if n > cursor]) for cursor in cursors)
    assert table.read < apart * (0.25 if kept == 1.0 else 1.01)
    assert len(table.asked) <= 2 * len(streams)
    assert len(buffer.history) == 0


async def test_who_reads_alone_reads_a_whole_page():
    table = Table(range(1, 3001))
    buffer = EventBuffer(1, 3000, 1000, 10**6)
    told = await read_to(LogSubscription(table, buffer, DEVICE, head=3000, cursor=7), 3000)
    assert (told[0], told[-1], table.asked) == (8, 3000, [(7, None)])


async def test_rows_that_leave_the_buffer_during_a_shared_read_are_read_after_it():
    """The second one joins a read that began before them, and the buffer drops them meanwhile."""
    table = Table(range(1, 101))
    buffer = EventBuffer(1, 100, 4, 10**6)
    first, second = (LogSubscription(table, buffer, DEVICE, head=100, cursor=0) for _ in range(2))
    table.may_end.clear()
    reading = [asyncio.create_task(read_to(first, 120))]
    await table.begun.wait()
    for row in [StoredEvent(n, 1, "block.delta", "{}") for n in range(101, 121)]:
        table.rows.append(row)
        buffer.extend([row])
    reading.append(asyncio.create_task(read_to(second, 120)))
    await asyncio.sleep(0)
    table.may_end.set()
    assert await asyncio.gather(*reading) == [[*range(1, 121)]] * 2
    assert [after for after, _ in table.asked].count(0) == 1


async def test_a_read_ends_with_the_last_who_waits_for_it():
    history, ended = SharedHistory(), []

    async def read(after, most):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append(after)
            raise
        return CatchUp([], False, 0)

    waiting = [asyncio.create_task(history.page(STEP, read)) for _ in range(3)]
    await asyncio.sleep(0)
    for each in waiting:
        assert ended == []
        each.cancel()
        await asyncio.wait([each])
        await asyncio.sleep(0)
    assert (ended, len(history), len(asyncio.all_tasks())) == ([STEP], 0, 1)


async def test_an_error_is_told_to_all_and_the_next_one_reads_anew():
    history, reads = SharedHistory(), []

    async def read(after, most):
        reads.append(after)
        await asyncio.sleep(0)
        if len(reads) == 1:
            raise ValueError("unreadable")
        return CatchUp([], False, 9)

    told = await asyncio.gather(*(history.page(0, read) for _ in range(3)), return_exceptions=True)
    assert [str(each) for each in told] == ["unreadable"] * 3
    assert (await history.page(0, read)).floor == 9
    assert reads == [0, 0]
