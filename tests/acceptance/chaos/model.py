"""A model whose every token names its request and its place, so that the log shows what was lost,
doubled or written by the wrong worker.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter

from tests.providers.vendor import Vendor
from tests.providers.vendor_streams import bare

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST = bare({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}) + b"data: [DONE]\n\n"
FINE, CUT, RESET, STALLED, ERROR = "fine", "cut", "reset", "stalled", "error"


def framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def token(request: int, n: int) -> str:
    return f"{request}.{n} "


class Model(Vendor):
    """Speaks Chat Completions; some answers are cut, reset, stalled or refused."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self.produced = 0
        self.lengths: dict[int, int] = {}
        self.faults: Counter[str] = Counter()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = self.asked = getattr(self, "asked", 0) + 1
        self.requests.clear()
        chance = random.Random(f"{self.seed}.{request}")
        fate = chance.choices((FINE, CUT, RESET, STALLED, ERROR), (85, 4, 3, 2, 6))[0]
        self.lengths[request] = length = chance.randrange(20, 150)
        if fate is not FINE:
            self.faults[f"model {fate}"] += 1
        if fate is ERROR:
            return await self._refuse(writer, chance.choice((429, 500, 503, 529)))
        writer.write(HEAD)
        upto = length if fate is FINE else chance.randrange(length)
        await self._speak(writer, request, upto, pace=chance.uniform(15, 60))
        if fate is FINE:
            writer.write(framed(LAST) + b"0\r\n\r\n")
            await writer.drain()
            return True
        if fate is STALLED:
            await reader.read()
        if fate is RESET:
            linger = struct.pack("ii", 1, 0)
            end = writer.get_extra_info("socket")
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        return False

    async def _speak(
        self, writer: asyncio.StreamWriter, request: int, upto: int, pace: float
    ) -> None:
        for n in range(upto):
            delta = {"content": token(request, n)}
            writer.write(framed(bare({"choices": [{"index": 0, "delta": delta}]})))
            await writer.drain()
            self.produced += 1
            await asyncio.sleep(1 / pace)

    async def _refuse(self, writer: asyncio.StreamWriter, status: int) -> bool:
        writer.write(
            b"HTTP/1.1 %d No\r\ncontent-type: application/json\r\nretry-after: 0\r\n"
            b"content-length: 2\r\n\r\n{}" % status
        )
        await writer.drain()
        return True
