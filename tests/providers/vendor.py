"""A model vendor's server on raw sockets, which sends exactly the bytes that a test tells it.

Raw sockets, so that bytes can be cut, delayed or broken off at any place.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Then(Enum):
    """What a script may hold besides bytes."""

    SILENCE = "says nothing more until the client leaves"
    ON_AND_ON = "says its last bytes again and again"
    CUT = "closes without ending the body"
    RESET = "resets the connection"


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: Any


class Vendor:
    """`async with Vendor() as vendor`; `vendor.url` listens on 127.0.0.1 alone.

    `says` is the script of every answer from then on. `quiet` is set when a script has reached
    its silence, `left` when a client has closed its connection; `left_at` is when (loop time).
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.sent = 0
        self.quiet = asyncio.Event()
        self.left = asyncio.Event()
        self.left_at = 0.0
        self.says()

    def says(
        self,
        *script: bytes | Then,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        before: tuple[Then, ...] = (),
        chunked: bool = True,
    ) -> None:
        """Each bytes object leaves in a write of its own; `before` comes before the status."""
        kind = "text/event-stream" if status == 200 else "application/json"
        framing = {"transfer-encoding": "chunked"} if chunked else {"connection": "close"}
        fields = {"content-type": kind, **framing, **(headers or {})}
        lines = (f"HTTP/1.1 {status} Said", *(f"{name}: {text}" for name, text in fields.items()))
        self._head = "\r\n".join((*lines, "", "")).encode()
        self._before, self._script, self._chunked = before, script, chunked

    def refuses(self, status: int, body: object = None, **headers: str) -> None:
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        self.says(json.dumps(body or {}).encode(), status=status, headers=names)

    async def __aenter__(self) -> Vendor:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while request := await self._request(reader):
                self.requests.append(request)
                if not await self._answer(reader, writer):
                    return
        except ConnectionError:
            pass
        finally:
            self.left_at = asyncio.get_running_loop().time()
            self.left.set()
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> Request | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        except asyncio.IncompleteReadError:
            return None
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Request(head[0].split(" ")[1], headers, json.loads(body or b"null"))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answers a request; returns whether the connection may serve another."""
        last = b""
        for step in (*self._before, self._head, *self._script):
            while step is Then.ON_AND_ON:
                writer.write(last)
                await writer.drain()
                self.sent += len(last)
            if step is Then.SILENCE:
                self.quiet.set()
                await reader.read()
                return False
            if step is Then.RESET:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger
                )
                return False
            if step is Then.CUT:
                return False
            assert isinstance(step, bytes)
            framed = self._chunked and step is not self._head
            last = b"%x\r\n%s\r\n" % (len(step), step) if framed else step
            writer.write(last)
            await writer.drain()
        if self._chunked:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        return self._chunked
