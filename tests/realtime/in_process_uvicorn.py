"""A uvicorn in the test's own loop, under each of its parsers and loops."""

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
from streams.realtime import endpoints, sse
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
    async with asyncio.timeout(30):
        while not check():
            await asyncio.sleep(0.001)


async def read(reader, last):
    """Returns the numbers of the events that a client is sent, up to the last."""
    seen = []
    async with asyncio.timeout(30):
        while seen[-1:] != [last]:
            line = await reader.readline()
            assert line, f"it ended after {seen[-1:]}"
            if line.startswith(b"id: "):
                seen.append(int(line[4:]))
    return seen


def on_every_server(test):
    """Runs a test of a `Server` under each parser and each loop."""

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
