"""What uvicorn does with words that are sent outside of their response's task, however its clients
ask, stop reading and go.
"""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace

import pytest

from streams.realtime import sse, subscription, uvicorn_response
from streams.realtime.event_buffer import EventBuffer

from .in_process_uvicorn import MOST, RUN, STREAM, on_every_server, read, until


@on_every_server
async def test_words_are_sent_at_once(server):
    reader, _ = await server.connect(STREAM)
    await server.are_waiting(1)
    server.write(3)
    assert await read(reader, 3) == [1, 2, 3]


@on_every_server
async def test_one_that_asks_for_more_at_once_and_goes_is_nobody_elses_trouble(server):
    """uvicorn tells the newest of its requests alone that the connection is closed."""
    reader, _ = await server.connect(STREAM)
    _, leaving = await server.connect(STREAM, STREAM)
    await server.are_waiting(2)
    leaving.transport.abort()
    for n in range(1, 50):
        server.write()
        assert await read(reader, n) == [n]
    server.hub.now += server.hub.conf.ping
    for stream in server.buffer.streams:
        stream.wake()
    await server.are_waiting(1)
    assert server.errors == 0


@on_every_server
async def test_one_that_stops_reading_is_held_little_for_and_catches_up(server):
    reader, _ = await server.connect(STREAM)
    await server.are_waiting(1)
    (stream,) = server.buffer.streams
    transport = stream.outlet._transport
    for _ in range(300):
        server.write(size=5000)
        assert transport.get_write_buffer_size() < MOST + 10_000
        await asyncio.sleep(0)
    assert not stream.outlet.is_free
    assert await read(reader, 300) == list(range(1, 301))


@on_every_server
async def test_one_that_stops_reading_and_has_to_go_is_hung_up(server):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subscription, "PARTING", 0.01)
        await server.connect(STREAM)
        await server.are_waiting(1)
        (stream,) = server.buffer.streams
        while stream.outlet.is_free:
            server.write(size=50_000)
            await asyncio.sleep(0)
        stream.finish(sse.GONE)
        await until(lambda: not server.buffer.streams)


@on_every_server
async def test_the_connection_of_a_run_that_has_ended_answers_the_next_request(server):
    """What is sent of the first run's end is no part of the second response."""
    reader, writer = await server.connect(RUN)
    for n in (2, 4, 6):
        await server.are_waiting(1)
        server.write(run=1)
        server.write(run=1, type="run.completed")
        assert (await read(reader, n))[-2:] == [n - 1, n]
        await until(lambda: not server.buffer.streams)
        writer.write(RUN)
        server.table.clear()
        server.buffer = EventBuffer(1, n, 500, 10**7)
    assert server.errors == 0


@on_every_server
async def test_a_client_of_http_1_0_is_sent_all_of_a_run(server):
    reader, _ = await server.connect(b"GET /run HTTP/1.0\r\n\r\n")
    await server.are_waiting(1)
    server.write(run=1)
    server.write(run=1, type="run.completed")
    async with asyncio.timeout(30):
        told = await reader.read()
    assert [told.count(b"id: %d\n" % n) for n in (1, 2)] == [1, 1]


@on_every_server
async def test_whenever_clients_come_and_go_each_is_told_the_log_in_order(server):
    async def come_and_go(chance):
        while True:
            reader, writer = await server.connect(*[STREAM] * chance.choice([1, 1, 1, 3]))
            for last in range(1, chance.choice([1, 2, 30])):
                assert await read(reader, last) == [last]
            if chance.random() < 0.5:
                writer.transport.abort()
            else:
                writer.close()

    clients = [asyncio.create_task(come_and_go(random.Random(n))) for n in range(8)]
    chance = random.Random(8)
    for _ in range(200):
        server.write(chance.choice([1, 1, 1, 2, 60]), size=chance.choice([1, 1, 400]))
        await asyncio.sleep(chance.choice([0, 0.001]))
    ended = [client.exception() for client in clients if client.done()]
    for client in clients:
        client.cancel()
    assert ended == []


class Response:
    """As uvicorn has it: `send` waits for nothing but a full buffer."""

    def __init__(self, waits=False):
        self.flow = SimpleNamespace(write_paused=False)
        self.transport = SimpleNamespace(
            is_closing=lambda: self.closing,
            get_protocol=lambda: self.protocol,
            abort=lambda: self.sent.append("abort"),
        )
        self.message_event = asyncio.Event()
        self.closing = self.disconnected = False
        self.protocol = "HTTP"
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
    outlet.note_disconnect()
    assert not response.disconnected


@pytest.mark.parametrize("lost", [{"closing": True}, {"protocol": "websocket"}])
async def test_a_response_is_told_of_a_lost_connection(lost):
    response = Response()
    outlet = uvicorn_response.outlet(response.send)
    vars(response).update(lost)
    assert not outlet.is_free
    outlet.note_disconnect()
    assert response.disconnected
    assert response.message_event.is_set()


async def test_a_server_that_waits_after_all_cuts_the_response_off():
    response = Response(waits=True)
    uvicorn_response.outlet(response.send).send(b"words")
    assert response.sent == ["abort"]


async def test_other_servers_have_none():
    async def send(message):
        """A server's own."""

    assert uvicorn_response.outlet(send) is None
