"""Many lean devices in one process: what they are to do comes in as JSON, what they saw
goes out as JSON.

`{"streams": [...], "posts": [...], "wait": "end" | "sync" | seconds, "patience": seconds}`; a
stream has `port`, `path`, `cookie`, `at`, and a `body` if it is asked for by POST; a post also
`body`, the `stream` that will show its answer and, when it is to be cancelled, `cancel_at`. A
stream with `opened_by` is opened with what its post has begun. With `begun` streams are open once
the server has answered.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from array import array
from typing import Any

import uvloop

from tests.benchmarks.vendor import WRAP, now

TOKEN = re.compile(rb"~([0-9a-f]{9})([0-9a-f]{4})")
ENDED = re.compile(
    rb"event: run\.(completed|cancelled|failed)|event: response\.completed"
    rb'|\[DONE\]|"RUN_FINISHED"'
)
# Made of tokens, too: titles, and the whole text at its end.
TITLES = re.compile(
    rb"event: (?:conversation\.updated|response\.(?!output_text\.delta)[\w.]+)\n[^\n]*"
)
FRAMES = re.compile(rb"\nevent: (?!sync|ping)")


class Reader(asyncio.Protocol):
    """One open stream, checked token by token: none may be missing, none come twice."""

    late = array("q")  # token made → token here, microseconds, of all streams

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.rest = b""
        # A device with a cursor begins in the middle.
        self.next: int | None = None if "after=" in spec["path"] else 0
        self.by_prompt = "opened_by" in spec
        self.wrong = self.frames = 0
        self.opened = self.synced_at = self.first_at = 0
        self.begun, self.synced, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def open(self) -> None:
        await asyncio.sleep(self.spec.get("at", 0))
        self.opened = now()
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, "127.0.0.1", self.spec["port"])

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        body = self.spec.get("body")
        method = "POST" if body else "GET"
        transport.write(request(method, self.spec, json.dumps(body) if body else ""))

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set()

    def data_received(self, data: bytes) -> None:
        here = now()
        if data.startswith(b"HTTP/1.1 ") and data[9:12] != b"200":
            raise SystemExit(f"a stream was refused: {data!r}")
        self.begun.set()
        whole, cut, self.rest = (self.rest + data).rpartition(b"\n\n")
        if not cut:
            return
        # A device that has just asked waits for each word, also for those that catch up.
        live = self.synced.is_set() or self.by_prompt or not self.spec.get("cookie")
        for made, index in TOKEN.findall(TITLES.sub(b"", whole)):
            if self.next not in (None, int(index, 16)):
                self.wrong += 1
            self.next = int(index, 16) + 1
            if live:
                self.late.append(here - int(made, 16) & WRAP)
            self.first_at = self.first_at or here
        if not self.synced_at and b"event: sync" in whole:
            self.synced_at = here
            self.frames = len(FRAMES.findall(whole))
            self.synced.set()
        elif not live:
            self.frames += len(FRAMES.findall(whole))
        if ENDED.search(whole):
            self.ended.set()


def request(method: str, spec: dict[str, Any], body: str = "") -> bytes:
    lines = [f"{method} {spec['path']} HTTP/1.1", "Host: localhost"]
    if spec.get("cookie"):
        lines += [f"Cookie: {spec['cookie']}", "Accept: application/json"]
    elif method == "GET":
        lines += ["Accept: text/event-stream"]
    if method == "POST":
        lines += ["X-CSRFToken: " + "t" * 32, "Content-Type: application/json"]
        lines += [f"Content-Length: {len(body)}", "Connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class Post:
    def __init__(self, spec: dict[str, Any], reader: Reader) -> None:
        self.spec = spec
        self.reader = reader
        self.sent = self.answered = self.cancelled = self.cancel_answered = 0
        self.refused = ""

    async def send(self, began: float) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(began + self.spec["at"] - loop.time())
        self.sent = now()
        answer = await exchanged("POST", self.spec, json.dumps(self.spec["body"]))
        self.answered = now()
        if b" 201 " not in answer[:20]:
            self.refused = answer[:300].decode(errors="replace")
            self.reader.ended.set()
        elif self.reader.by_prompt:
            place = re.search(rb'"url": ?"([^"]+)"', answer)
            assert place, answer
            self.reader.spec["path"] = place[1].decode() + "events"
            await self.reader.open()
        elif self.spec.get("cancel_at"):
            run = json.loads(answer[answer.index(b"{") : answer.rindex(b"}") + 1])["run"]["id"]
            await asyncio.sleep(began + self.spec["cancel_at"] - loop.time())
            self.cancelled = now()
            await exchanged("POST", self.spec | {"path": f"/runs/{run}/cancel"}, "{}")
            self.cancel_answered = now()


async def exchanged(method: str, spec: dict[str, Any], body: str = "") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", spec["port"])
    writer.write(request(method, spec, body))
    answer = await reader.read()
    writer.close()
    return answer


async def swarm(plan: dict[str, Any]) -> dict[str, Any]:
    readers = [Reader(spec) for spec in plan["streams"]]
    posts = [Post(spec, readers[spec["stream"]]) for spec in plan.get("posts", ())]
    slots = asyncio.Semaphore(plan.get("at_once", 100))

    async def open_one(reader: Reader) -> None:
        async with slots:
            await reader.open()
            if posts:
                await reader.synced.wait()
            elif plan.get("begun"):
                await reader.begun.wait()

    try:
        async with asyncio.timeout(plan["patience"]):
            ready = [reader for reader in readers if not reader.by_prompt]
            opening = [asyncio.create_task(open_one(reader)) for reader in ready]
            await asyncio.gather(*opening)
            say(event="open")
            began = asyncio.get_running_loop().time()
            await asyncio.gather(*(post.send(began) for post in posts))
            await waited(plan["wait"], readers)
    except TimeoutError:
        pass
    return seen(readers, posts)


async def waited(until: str | float, readers: list[Reader]) -> None:
    if until == "end":
        await asyncio.gather(*(reader.ended.wait() for reader in readers))
    elif until == "sync":
        await asyncio.gather(*(reader.synced.wait() for reader in readers))
    else:
        await asyncio.sleep(float(until))


def seen(readers: list[Reader], posts: list[Post]) -> dict[str, Any]:
    waits = [since(readers[p.spec["stream"]].first_at, p.sent) for p in posts if p.sent]
    if not posts:
        waits = [since(reader.first_at, reader.opened) for reader in readers]
    return {
        "late": sorted(Reader.late),
        "first": sorted(wait for wait in waits if wait is not None),
        "posted": sorted(p.answered - p.sent for p in posts if p.answered),
        "synced": sorted(r.synced_at - r.opened for r in readers if r.synced_at),
        "frames": sorted(reader.frames for reader in readers),
        "tokens": [reader.next or 0 for reader in readers],
        "wrong": sum(reader.wrong for reader in readers),
        "unended": sum(not reader.ended.is_set() for reader in readers),
        "refused": [post.refused for post in posts if post.refused][:3],
        "refusals": sum(bool(post.refused) for post in posts),
        "cancelled": {p.spec["body"]["content"]: p.cancelled for p in posts if p.cancelled},
        "cancel_answered": sorted(p.cancel_answered - p.cancelled for p in posts if p.cancelled),
    }


def since(later: int, earlier: int) -> int | None:
    return later - earlier & WRAP if later else None


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    plan = json.loads(sys.stdin.readline())
    with open(plan["seen"], "w") as file:  # more than a pipe takes at once
        json.dump(uvloop.run(swarm(plan)), file)
    say(event="seen")
