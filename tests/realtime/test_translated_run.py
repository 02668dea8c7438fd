"""A run in another protocol's words is the same however its events come to the encoder."""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace

import orjson
import pytest

from streams.conf import Settings
from streams.log import OneRun, StoredEvent
from streams.models import Device
from streams.realtime import sse
from streams.realtime.event_buffer import EventBuffer
from streams.realtime.translated_run import TranslatedSubscription

DEVICE = Device(pk=1, user_id=1)


class Encoder:
    """Says words as they are, and is over at one that says so."""

    over = False

    def begin(self):
        return b"begin "

    def event(self, row):
        if row.type == "unsayable":
            raise ValueError(row.type)
        self.over = row.type == "run.waiting"
        return row.data.get("text", row.type).encode() + b" "


class Client:
    """Reads a response; with `at_once`, also what is sent beside the response's task."""

    def __init__(self, table, at_once=True):
        async def page(conversation_id, after, most, read):
            await asyncio.sleep(0)
            return [row for row in table if row.seq > after], False

        hub = SimpleNamespace(conf=Settings(), now=0.0, epoch="e", catch_up=page)
        self.buffer = EventBuffer(1, 0, 40, 10**6)
        self.table, self.read, self.at_once, self.is_free = table, b"", 0, True
        known = {"head": 0, "cursor": 0, "run": OneRun(1, "a")}
        known |= {"encoder": Encoder(), "streams": True}
        self.stream = TranslatedSubscription(hub, self.buffer, DEVICE, **known)
        self.buffer.streams.add(self.stream)
        if at_once:
            self.stream.outlet = self
        self.task = asyncio.create_task(self._read())

    def send(self, body):
        self.at_once += 1
        self.read += body

    async def _read(self):
        async for data in self.stream.frames():
            self.read += data

    def write(self, *rows):
        self.table += rows
        self.buffer.extend(list(rows))


def event(seq, type, run=1, **data):
    return StoredEvent(seq, run, type, orjson.dumps(data).decode())


def word(seq):
    return event(seq, "block.delta", index=0, text=f"w{seq}")


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(10))
async def test_at_once_or_by_its_task_it_is_the_same(seed):
    said = []
    for at_once in (True, False):
        chance, client = random.Random(seed), Client([], at_once)
        await turns()
        while client.buffer.head < 500:
            first = client.buffer.head + 1
            rows = [word(n) for n in range(first, first + chance.choice([1, 1, 2, 50]))]
            client.write(*rows)
            client.is_free = chance.random() < 0.8
            await turns(chance.randrange(3))
        await turns(20)
        client.write(event(client.buffer.head + 1, "run.completed"))
        await asyncio.wait_for(client.task, 30)
        said.append(client.read)
        assert bool(client.at_once) == at_once
    words = said[0].split()
    assert said[0] == said[1]
    assert words == [b"begin", *(b"w%d" % n for n in range(1, len(words) - 1)), b"run.completed"]


@pytest.mark.parametrize("last", ["run.completed", "run.waiting"])
async def test_nothing_is_said_after_its_end(last):
    client = Client([])
    await turns()
    client.write(word(1), event(2, last), word(3))
    client.write(word(4))
    client.stream.finish(sse.BYE)
    await asyncio.wait_for(client.task, 30)
    assert (client.read, client.stream.end) == (b"begin w1 %s " % last.encode(), b"")


async def test_what_an_encoder_cannot_say_is_its_responses_end():
    client = Client([])
    await turns()
    client.write(event(1, "unsayable"))
    client.write(word(2))
    with pytest.raises(ValueError, match="unsayable"):
        await client.task
    assert client.read == b"begin ", "and no word after what it lacks"
