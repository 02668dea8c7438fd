"""A model API that streams timed tokens over real HTTP; each token holds the time at which it was
made.

The model's name is the pace: `30x300` is 300 tokens at 30 a second. A token is `~`, nine
digits of microseconds and four of its number, in hexadecimal.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
FRAME = (
    'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m",'
    '"choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":%s}]}\n\n'
)
WRAP = 0xFFFFFFFFF


def now() -> int:
    """Microseconds on the clock that all processes of one machine share."""
    return time.monotonic_ns() // 1000 & WRAP


def framed(data: str) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data.encode())


END = framed(FRAME % ("", '"stop"')) + framed("data: [DONE]\n\n") + b"0\r\n\r\n"


class Vendor(asyncio.Protocol):
    """One connection; `closed` holds, by prompt, when a client left before the end."""

    closed: dict[str, int] = {}

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.received = b""
        self.prompt = ""
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self.timer:
            self.timer.cancel()
            self.closed[self.prompt] = now()

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        if head.startswith(b"GET"):
            self.transport.write(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(self.closed).encode())
            self.transport.close()
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(body) >= length:
            self.received = body[length:]
            self.answer(json.loads(body[:length]))

    def answer(self, asked: dict[str, Any]) -> None:
        rate, _, count = asked["model"].partition("x")
        self.prompt = asked["messages"][-1]["content"]
        self.every, self.count, self.sent = 1 / float(rate), int(count), 0
        self.due = self.loop.time()
        self.transport.write(HEAD)
        self.token()

    def token(self) -> None:
        text = f"~{now():09x}{self.sent:04x}"
        self.transport.write(framed(FRAME % (text, "null")))
        self.sent += 1
        if self.sent == self.count:
            self.timer = None
            self.transport.write(END)
            return
        self.due += self.every
        self.timer = self.loop.call_at(self.due, self.token)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Vendor, "127.0.0.1", 0, backlog=2048)
    print("on", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # closed when whoever started us is gone


if __name__ == "__main__":
    uvloop.run(serve())
