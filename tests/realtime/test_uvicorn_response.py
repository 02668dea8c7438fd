"""What a uvicorn does with words that are sent outside of their response's task: under both of its
parsers and loops, however clients ask, stop reading and go.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from streams.conf import Settings
from streams.log import OneRun, StoredEvent
from streams.models import Device
from streams.realtime import endpoints, sse, subscription, uvicorn_response
from streams.realtime.event_buffer import EventBuffer
from streams.realtime.log_subscription import LogSubscription

DEVICE = Device(pk=1, user_id=1)
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
STREAM, RUN = (b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % name for name in (b"stream", b"run"))
LINE = 8192
MOST = 65536  # bytes that uvicorn holds for a client before it waits


class Server:
    """A uvicorn whose application follows one log; `table` is all that was written."""

    def __init__(self) -> None:
        known = {"conf": Settings(), "now": 0.0, "epoch": "e"}
        self.hub = SimpleNamespace(**known, catch_up=self.catch_up, leave=self.leave)
        self.buffer = EventBuffer(1, 0, 500, 10**7)
        self.table: list[StoredEvent] = []
        self.clients: list[asyncio.StreamWriter] = []
        self.errors = 0

    async def app(self, scope, receive, send):
        run = OneRun(1, "a") if scope["path"] == "/run" else None
        stream = LogSubscription(self.hub, self.buffer, DEVICE, head=0, cursor=0, run=run)
        self.buffer.streams.add(stream)
        known = {"headers": sse.HEADERS, "opening": sse.retry(1)}
        try:
            await endpoints.follow(self.hub, stream, receive, send, **known)
        except Exception:
            self.errors += 1
            raise

    async def catch_up(self, conversation_id, after, most=None):
        return [row for row in self.table if row.seq > after], False

    def leave(self, stream):
        self.buffer.streams.discard(stream)

    def write(self, count=1, size=1, run=None, type="block.delta"):
        data = '{"text": "%s"}' % ("x" * size)
        first = self.buffer.head + 1
        rows = [StoredEvent(seq, run, type, data) for seq in range(first, first + count)]
        self.table += rows
        self.buffer.extend(rows)

    async def connect(self, *requests):
        """Returns both ways of a client that has asked for all of this at once."""
        end = socket.socket()
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        end.connect(self.address)
        reader, writer = await asyncio.open_connection(sock=end, limit=LINE)
        self.clients.append(writer)  # or it is closed
        writer.write(b"".join(requests))
        return reader, writer

    async def are_waiting(self, count):
        """Returns once there are so many streams, to all of which words would be sent at once."""
        streams = self.buffer.streams
        await until(lambda: len(streams) == count and all(e._waits_for_more() for e in streams))


async def until(check: Callable[[], object]) -> None:
    async with asyncio.timeout(3):
        while not check():
            await asyncio.sleep(0.001)


async def read(reader, last):
    """Returns the numbers of the events that a client is sent, up to the last."""
    seen = []
    async with asyncio.timeout(3):
        while seen[-1:] != [last]:
            line = await reader.readline()
            assert line, f"it ended after {seen[-1:]}"
            if line.startswith(b"id: "):
                seen.append(int(line[4:]))
    return seen


def on_every_server(test):
    async def serve(parser):
        server = Server()
        config = uvicorn.Config(server.app, http=parser, interface="asgi3", log_config=None)
        config.load()
        known = {"config": config, "server_state": ServerState(), "app_state": {}}
        protocol = partial(config.http_protocol_class, **known)
        own = socket.create_server(("127.0.0.1", 0))
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        server.address = own.getsockname()
        listening = await asyncio.get_running_loop().create_server(protocol, sock=own)
        await test(server)
        listening.close()

    @pytest.mark.parametrize("loop", LOOPS)
    @pytest.mark.parametrize("parser", ["httptools", "h11"])
    def run(loop, parser):
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(serve(parser))

    return run


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


class Response:
    """As uvicorn has it: `send` waits for nothing but a full buffer."""

    def __init__(self, waits=False):
        self.flow = SimpleNamespace(write_paused=False)
        closing = {"is_closing": lambda: self.closing, "abort": lambda: self.sent.append("abort")}
        self.transport = SimpleNamespace(**closing)
        self.message_event = asyncio.Event()
        self.closing = self.disconnected = False
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


async def test_a_response_is_told_of_a_closed_connection():
    response = Response()
    outlet = uvicorn_response.outlet(response.send)
    response.closing = True
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
