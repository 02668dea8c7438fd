"""The baseline: sends bytes from the provider on to the client, without storing or parsing them.

`GET /30x300/prompt` asks the vendor whose port is the first argument.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import uvloop


class Upstream(asyncio.Protocol):
    def __init__(self, client: Any) -> None:
        self.client = client

    def data_received(self, data: bytes) -> None:
        self.client.write(data)


class Relay(asyncio.Protocol):
    port = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.upstream: Any = None

    def connection_lost(self, error: Exception | None) -> None:
        if self.upstream:
            self.upstream.close()

    def data_received(self, data: bytes) -> None:
        _, model, prompt = data.split(b" ")[1].decode().split("/")
        self.asking = asyncio.ensure_future(self.ask(model, prompt))

    async def ask(self, model: str, prompt: str) -> None:
        loop = asyncio.get_running_loop()
        connect = loop.create_connection(lambda: Upstream(self.transport), "127.0.0.1", self.port)
        self.upstream, _ = await connect
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": prompt}]})
        self.upstream.write(
            f"POST / HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
        )


async def serve() -> None:
    Relay.port = int(sys.argv[1])
    server = await asyncio.get_running_loop().create_server(Relay, "127.0.0.1", 0, backlog=2048)
    print("on", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(serve())
