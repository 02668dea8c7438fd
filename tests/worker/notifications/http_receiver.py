"""An HTTP server that keeps the requests it gets, and answers as a test tells it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from aiohttp import web
from multidict import CIMultiDict


class Received(NamedTuple):
    path: str
    headers: CIMultiDict[str]
    body: bytes


@dataclass
class Receiver:
    url: str = ""
    got: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)  # of the next answers; 201 after them

    async def answer(self, request: web.Request) -> web.Response:
        self.got.append(Received(request.path, request.headers.copy(), await request.read()))
        status = self.statuses.pop(0) if self.statuses else 201
        moved = {"location": f"{self.url}/elsewhere"} if 300 <= status < 400 else {}
        return web.Response(status=status, headers=moved)


@asynccontextmanager
async def receiving(ssl=None):
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"{'https' if ssl else 'http'}://127.0.0.1:{port}"
    try:
        yield receiver
    finally:
        await runner.cleanup()
