"""Words are sent outside of their response's task, and none is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace

import orjson
import pytest

from streams.conf import Settings
from streams.log import OneRun, StoredEvent
from streams.models import Device
from streams.realtime import sse, uvicorn_response
from streams.realtime.event_buffer import EventBuffer
from streams.realtime.log_subscription import LogSubscription

DEVICE = Device(pk=1, user_id=1)


class Client:
    """Reads a response, and what is sent beside its task, when it is free to."""

    def __init__(self, stream):
        self.stream = stream
        self.read = b""
        self.at_once = 0
        self.is_free = True
        stream.outlet = self
        self.task = asyncio.create_task(self._read())

    def send(self, body):
        assert self.is_free
        self.at_once += 1
        self.read += body

    async def _read(self):
        async for data in self.stream.frames():
            while not self.is_free:
                await asyncio.sleep(0)
            self.read += data

    @property
    def ids(self):
        return [int(line[4:]) for line in self.read.split(b"\n") if line.startswith(b"id: ")]


@pytest.fixture
def buffer():
    return EventBuffer(1, 0, 40, 10**6)


@pytest.fixture
def table():
    """All that was written, of which those who are far behind read."""
    return []


@pytest.fixture
def client(buffer, table):
    async def catch_up(conversation_id, after, most=None):
        rows = [row for row in table if row.seq > after]
        await asyncio.sleep(0)
        return rows, False

    hub = SimpleNamespace(conf=Settings(), now=0.0, epoch="e", catch_up=catch_up)

    def make(**more):
        stream = LogSubscription(hub, buffer, DEVICE, head=0, cursor=0, **more)
        buffer.streams.add(stream)
        return Client(stream)

    return make


def words(first, last, run=1):
    return [StoredEvent(n, run, "block.delta", '{"text": "x"}') for n in range(first, last + 1)]


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_one_that_waits_is_sent_to_at_once(buffer, client):
    one = client()
    await turns()
    assert one.read.count(b"event: sync") == 1
    buffer.extend(words(1, 2))
    assert (one.ids, one.at_once) == ([1, 2], 1), "before its task had a turn"
    await turns()
    assert one.ids == [1, 2]


async def test_before_sync_and_while_its_buffer_is_full_its_task_sends(buffer, client):
    one = client()
    buffer.extend(words(1, 1))
    await turns()
    one.is_free = False
    buffer.extend(words(2, 2))
    await turns()
    one.is_free = True
    buffer.extend(words(3, 3))
    await turns()
    assert (one.ids, one.at_once) == ([1, 2, 3], 0)
    assert one.read.index(b"id: 1") < one.read.index(b"event: sync") < one.read.index(b"id: 2")


async def test_one_who_lacks_rows_that_are_still_read_is_told_when_it_has_them(buffer, client):
    buffer.expected = 3
    one = client()
    await turns()
    buffer.extend(words(1, 3))
    await turns()
    assert one.ids == [1, 2, 3]
    assert one.read.endswith(b'event: sync\ndata: {"head":3,"epoch":"e"}\n\n')


async def test_one_that_was_revoked_is_sent_no_word_more(buffer, client):
    one = client()
    await turns()
    one.stream.finish(sse.GONE)
    buffer.extend(words(1, 1))
    await one.task
    assert (one.ids, one.read.endswith(sse.GONE)) == ([], True)


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_comes_between_it_is_the_log_in_order(seed, buffer, client, table):
    chance = random.Random(seed)
    clients = [client() for _ in range(3)]
    written = 0
    while written < 2000:
        rows = words(written + 1, written + chance.choice([1, 1, 1, 1, 2, 5, 60]))
        written = rows[-1].seq
        table.extend(rows)
        for each in clients:
            each.is_free = chance.random() < 0.7
            if chance.random() < 0.2:
                each.stream.wake()
        buffer.extend(rows)
        await turns(chance.randrange(4))
    for each in clients:
        each.is_free = True
        if chance.random() < 0.5:
            each.stream.finish(sse.BYE)
    await turns(50)
    for each in clients:
        assert each.ids == list(range(1, len(each.ids) + 1))
        assert each.ids[-1:] == [written] or each.stream.end == sse.BYE
    assert sum(each.at_once for each in clients) > 20
    for each in clients:
        each.task.cancel()


async def test_the_end_of_a_run_ends_its_stream(buffer, client):
    one = client(run=OneRun(1, "a"))
    await turns()
    buffer.extend([*words(1, 1), StoredEvent(2, 1, "run.completed", "{}")])
    assert one.ids == [1, 2]
    async with asyncio.timeout(5):
        await one.task


async def test_what_one_response_cannot_say_is_its_own_end(buffer, client):
    broken, other = client(run=OneRun(7, "a")), client()
    await turns()
    buffer.extend([StoredEvent(1, 3, "run.steered", "no JSON"), *words(2, 2)])
    assert other.ids == [1, 2]
    with pytest.raises(orjson.JSONDecodeError):
        await broken.task


class Response:
    """As uvicorn has it: `send` waits for nothing but a full buffer."""

    def __init__(self, waits=False):
        self.flow = SimpleNamespace(write_paused=False)
        self.transport = SimpleNamespace(abort=lambda: self.sent.append("abort"))
        self.waits = waits
        self.sent = []

    async def send(self, message):
        if self.waits:
            await asyncio.sleep(0)
        self.sent.append(message)


async def test_an_outlet_sends_parts_of_a_body():
    response = Response()
    outlet = uvicorn_response.outlet(response.send)
    assert outlet.is_free
    outlet.send(b"words")
    part = {"type": "http.response.body", "body": b"words", "more_body": True}
    assert response.sent == [part]
    response.flow.write_paused = True
    assert not outlet.is_free


async def test_a_server_that_waits_after_all_cuts_the_response_off():
    response = Response(waits=True)
    uvicorn_response.outlet(response.send).send(b"words")
    assert response.sent == ["abort"]


async def test_other_servers_have_none():
    async def send(message):
        """A server's own."""

    assert uvicorn_response.outlet(send) is None
