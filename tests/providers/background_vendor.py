"""OpenAI's background mode, as its documentation describes it.

A response goes on whether anybody listens or not; every event is numbered and can be read again
with `GET /responses/ID?stream=true&starting_after=N` until it is cancelled or over.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.providers.vendor_streams import named


@dataclass
class Kept:
    """One response: its events so far."""

    events: list[dict[str, Any]] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False

    def add(self, type: str, **data: Any) -> None:
        self.events.append({"type": type, "sequence_number": len(self.events), **data})
        self.more.set()
        self.more = asyncio.Event()


class BackgroundVendor:
    """`async with BackgroundVendor(words)`; each word takes `pace` seconds.

    `asked` are the bodies of what was posted, `cancelled` the ids of what was cancelled, and
    `read` the queries with which streams were continued. `cut_after` events of a connection it
    breaks, once for each number in it. A response named in `held_at` says no more than that many
    words before `go_on` is set.
    """

    def __init__(self, words: int = 30, pace: float = 0.005) -> None:
        self.words = [f"word{number} " for number in range(words)]
        self.pace = pace
        self.kept: dict[str, Kept] = {}
        self.asked: list[dict[str, Any]] = []
        self.cancelled: list[str] = []
        self.read: list[dict[str, str]] = []
        self.cuts: list[int] = []
        self.held_at: dict[str, int] = {}
        self.go_on = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def text(self) -> str:
        return "".join(self.words)

    async def __aenter__(self) -> BackgroundVendor:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, target, _ = head.split(" ", 2)
                length = head.lower().partition("content-length: ")[2].partition("\r\n")[0]
                body = await reader.readexactly(int(length or 0))
                if not await self._answer(method, urlsplit(target), body, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, target: Any, body: bytes, writer: Any) -> bool:
        *_, last = target.path.split("/")
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        if method == "POST" and last == "cancel":
            id = target.path.split("/")[-2]
            kept = self.kept.get(id)
            if kept is None or kept.over:
                return self._say(writer, 404 if kept is None else 400, {"error": {"message": ""}})
            self.cancelled.append(id)
            self._end(kept, id, "cancelled")
            return self._say(writer, 200, {"id": id, "status": "cancelled"})
        if method == "POST":
            asked = json.loads(body)
            self.asked.append(asked)
            assert (asked["background"], asked["store"], asked["stream"]) == (True, True, True)
            id = f"resp_{len(self.asked)}"
            self.kept[id] = Kept()
            task = asyncio.create_task(self._think(id))
            self._tasks.add(task)
            return await self._stream(writer, self.kept[id], 0)
        if last not in self.kept:
            return self._say(writer, 404, {"error": {"code": "not_found", "message": ""}})
        self.read.append(query)
        assert query["stream"] == "true"
        return await self._stream(writer, self.kept[last], int(query.get("starting_after", -1)) + 1)

    def _say(self, writer: Any, status: int, body: Any) -> bool:
        said = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(said)}\r\n\r\n".encode() + said)
        return True

    async def _think(self, id: str) -> None:
        kept = self.kept[id]
        kept.add("response.created", response={"id": id, "status": "queued"})
        kept.add("response.in_progress", response={"id": id})
        for number, word in enumerate(self.words):
            await asyncio.sleep(self.pace)
            if number == self.held_at.get(id):
                await self.go_on.wait()
            if kept.over:
                return
            kept.add("response.output_text.delta", output_index=0, content_index=0, delta=word)
        kept.add("response.output_text.done", output_index=0, text=self.text)
        self._end(kept, id, "completed")

    def _end(self, kept: Kept, id: str, status: str) -> None:
        usage = {"input_tokens": 3, "output_tokens": len(self.words)}
        kept.over = True
        kept.add(f"response.{status}", response={"id": id, "status": status, "usage": usage})

    async def _stream(self, writer: Any, kept: Kept, at: int) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
        writer.write(b"transfer-encoding: chunked\r\n\r\n")
        cut = self.cuts.pop(0) if self.cuts else None
        while True:
            more = kept.more
            while at < len(kept.events):
                if cut is not None and cut <= 0:
                    return False
                cut = None if cut is None else cut - 1
                said = named(kept.events[at])
                writer.write(b"%x\r\n%s\r\n" % (len(said), said))
                at += 1
            await writer.drain()
            if kept.over:
                writer.write(b"0\r\n\r\n")
                return True
            await more.wait()
