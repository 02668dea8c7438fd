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
from streams.realtime import sse, subscription
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


async def test_what_stands_beside_the_log_comes_between_words(buffer, client):
    one, news = client(), []
    one.stream.side_channels.append(SimpleNamespace(news=lambda: news.pop() if news else b""))
    await turns()
    for n in range(1, 30):
        if n % 10 == 0:
            news.append(b"event: presence\n\n")
            one.stream.wake()
        buffer.extend(words(n, n))
        await turns(1)
    await turns()
    assert (one.ids, one.read.count(b"presence")) == ([*range(1, 30)], 2)
    assert one.read.index(b"presence") < one.read.index(b"id: 12\n")


async def test_words_that_were_sent_at_once_stand_for_a_ping(buffer, client):
    one = client()
    hub = one.stream._hub
    await turns()
    for _ in range(2):
        hub.now += hub.conf.ping
        buffer.extend(words(buffer.head + 1, buffer.head + 1))
        one.stream.wake()
        await turns()
        assert sse.PING not in one.read
    hub.now += hub.conf.ping
    one.stream.wake()
    await turns()
    assert one.read.endswith(sse.PING)


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


async def test_one_that_was_told_to_go_after_its_runs_end_has_said_it_all(buffer, client):
    """A last word beside the end would tell a client that the answer was cut."""
    one = client(run=OneRun(1, "a"))
    await turns()
    buffer.extend([StoredEvent(1, 1, "run.completed", "{}")])
    one.stream.finish(sse.BYE)
    await one.task
    assert (one.ids, one.stream.end, one.read.endswith(sse.BYE)) == ([1], b"", False)


async def test_one_that_has_said_it_all_and_is_not_read_is_hung_up(buffer, client, monkeypatch):
    monkeypatch.setattr(subscription, "PARTING", 0)
    one = client(run=OneRun(1, "a"))
    one.stream.hang_up = lambda: hung_up.append(one)
    hung_up = []
    await turns()
    buffer.extend([StoredEvent(1, 1, "run.completed", "{}")])
    assert not hung_up
    one.stream.finish(sse.BYE)
    await asyncio.sleep(0.001)
    assert hung_up == [one]


async def test_what_one_response_cannot_say_is_its_own_end(buffer, client):
    broken, other = client(run=OneRun(7, "a")), client()
    await turns()
    buffer.extend([StoredEvent(1, 3, "run.steered", "no JSON"), *words(2, 2)])
    buffer.extend(words(3, 3, run=7))  # before the task had a turn
    assert (broken.ids, other.ids) == ([], [1, 2, 3]), "nothing after what it lacks"
    with pytest.raises(orjson.JSONDecodeError):
        await broken.task


async def test_what_a_server_cannot_send_is_one_responses_end(buffer, client):
    broken, other = client(), client()

    def send(body):
        raise RuntimeError("the handler is closed")

    broken.send = send
    await turns()
    buffer.extend(words(1, 1))
    buffer.extend(words(2, 2))
    assert (broken.ids, other.ids) == ([], [1, 2])
    with pytest.raises(RuntimeError):
        await broken.task
