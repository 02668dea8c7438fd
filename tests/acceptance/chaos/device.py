"""A device that costs next to nothing: raw sockets, one small parser, one transcript."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Container, Mapping
from typing import Any

from streams.log.transcript import Row, Transcript

UNNUMBERED = ("sync", "ping", "bye", "presence", "feed", "gone", "resync")


class Broken(AssertionError):
    """A promise that was not kept; said at once, with what was seen."""


def head_of(method: str, path: str, cookies: Mapping[str, str], **more: str) -> bytes:
    jar = "; ".join(f"{name}={text}" for name, text in cookies.items())
    fields = {"Host": "localhost", "Cookie": jar, "Accept": "application/json", **more}
    lines = (f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in fields.items()))
    return "\r\n".join((*lines, "", "")).encode()


async def ask(
    port: int, method: str, path: str, cookies: Mapping[str, str], body: object = None
) -> tuple[int, Any]:
    """One request on a connection of its own. Raises OSError when nobody answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        data = json.dumps(body or {}).encode()
        more = {"Connection": "close", "Content-Type": "application/json"}
        more |= {"X-CSRFToken": "t" * 32, "Content-Length": str(len(data))}
        writer.write(head_of(method, path, cookies, **more) + data)
        async with asyncio.timeout(30):
            answer = await reader.read()
    except TimeoutError as error:
        raise OSError("no answer") from error
    finally:
        writer.close()
    head, _, rest = answer.partition(b"\r\n\r\n")
    if not head:
        raise OSError("closed without an answer")
    return int(head.split(b" ", 2)[1]), json.loads(rest or b"null")


async def frames(reader: asyncio.StreamReader) -> AsyncIterator[dict[str, str]]:
    """Server-Sent Events out of a chunked body."""
    buffer = b""
    while size := int(await reader.readline() or b"0", 16):
        buffer += (await reader.readexactly(size + 2))[:-2]
        *whole, buffer = buffer.split(b"\n\n")
        for each in whole:
            yield dict(line.split(": ", 1) for line in each.decode().split("\n"))


class Device:
    """Follows one conversation; `shown` is what it was shown and nobody has checked yet."""

    def __init__(
        self,
        seed: object,
        cookies: Mapping[str, str],
        conversation: str,
        ports: list[int],
        broken: Container[str] = (),
    ) -> None:
        """In a conversation that was `broken`, the log may be told from its beginning again."""
        self.chance = random.Random(f"device {seed}")
        self.cookies, self.conversation, self.ports = cookies, conversation, ports
        self.broken = broken
        self.transcript = Transcript()
        self.shown: list[Row] = []
        self.calm = False
        self.dead_link = 8.0  # seconds without a byte, where a heartbeat comes every second
        self.counts: Counter[str] = Counter()
        self.epoch = ""
        self.heard_at = 0.0
        self.longest_silence = 0.0

    async def live(self) -> None:
        """Come back again and again, anywhere, as browsers do."""
        while True:
            try:
                await self._visit()
            except (OSError, EOFError):
                self.counts["lost"] += 1
            if not self.calm:
                await asyncio.sleep(self.chance.choice((0, 0.05, 0.5)))
            await asyncio.sleep(self.chance.uniform(0, 0.2))

    async def _visit(self) -> None:
        port, by_header = self.chance.choice(self.ports), self.chance.random() < 0.5
        drops_after = self.chance.expovariate(0.4)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        try:
            cursor = str(self.transcript.head)
            path = f"/c/{self.conversation}/events" + ("" if by_header else f"?after={cursor}")
            more = {"Last-Event-ID": cursor} if by_header else {}
            writer.write(head_of("GET", path, self.cookies, **more))
            async with asyncio.timeout(self.dead_link) as patience:
                status = int((await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1])
                self.counts[f"answered {status}"] += 1
                if status != 200:
                    if status != 503:
                        raise Broken(f"a stream was answered {status}")
                    return
                await self._follow(reader, patience, time.monotonic() + drops_after)
        except TimeoutError:
            self.counts["silent"] += 1
        finally:
            writer.transport.abort()

    async def _follow(self, reader: Any, patience: asyncio.Timeout, until: float) -> None:
        clock = asyncio.get_running_loop().time
        async for frame in frames(reader):
            patience.reschedule(clock() + self.dead_link)
            self._heard()
            if "event" in frame:
                self._apply(frame)
            if not self.calm and time.monotonic() > until:
                self.counts["dropped"] += 1
                return

    def _heard(self) -> None:
        now = time.monotonic()
        if self.heard_at:
            self.longest_silence = max(self.longest_silence, now - self.heard_at)
        self.heard_at = now

    def _apply(self, frame: dict[str, str]) -> None:
        type, data = frame["event"], json.loads(frame["data"])
        if type in UNNUMBERED:
            self._unnumbered(type, data)
            return
        seq = int(frame["id"])
        head = self.transcript.head
        first = data.get("from", seq) if type == "block.delta" else seq
        if seq <= head or first > head + 1:
            raise Broken(f"{self.conversation}: {type} {first}..{seq} came after {head}")
        if first <= head:
            raise Broken(f"{self.conversation}: {first}..{seq} repeats what is before {head}")
        row = Row(seq, type, data)
        self.shown.append(row)
        self.counts["frames"] += 1
        self.counts["tokens"] += data.get("text", "").count(" ") if type == "block.delta" else 0
        self.transcript.apply(row)

    def _unnumbered(self, type: str, data: Mapping[str, Any]) -> None:
        self.counts[type] += 1
        if type == "resync" and self.conversation in self.broken:
            self.transcript = Transcript()
        elif type in ("gone", "resync"):
            raise Broken(f"{self.conversation}: {type}")
        if type == "sync":
            self.epoch = self.epoch or data["epoch"]
            if data["epoch"] and data["epoch"] != self.epoch:
                raise Broken(f"the epoch was {self.epoch} and is {data['epoch']}")
