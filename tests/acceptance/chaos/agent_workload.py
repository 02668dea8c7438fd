"""A model that asks for calls of tools, the service that counts their effects, and people who
prompt, decide, join in and stop.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.providers.vendor import Vendor
from tests.providers.vendor_streams import bare

from .device import Device, ask
from .model import HEAD, framed, token
from .prompting_person import Author
from .tools import TOOLS

LOOKS = 100  # for a run that is not there; it may have been taken back unseen
NAMES = [tool.name for tool in TOOLS]


class Service(Vendor):
    """Counts by idempotency key, on arrival; it answers after a while."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.chance = random.Random(f"service {seed}")
        self.did: Counter[str] = Counter()
        self.tools: dict[str, str] = {}
        self.effects = 0
        self.answered: set[str] = set()
        self._answering: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        asked = parse_qs(urlsplit(self.requests.pop().path).query)
        key = asked["key"][0]
        self.did[key] += 1
        self.effects += 1
        self.tools[key] = asked["tool"][0]
        await asyncio.sleep(self.chance.choice((0, 0, 0.05, 0.3, 1)))
        self.answered.add(key)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nDone")
        self._answering.set_result(int(asked["worker"][0]))
        self._answering = asyncio.get_running_loop().create_future()
        await writer.drain()
        return True

    async def next_answer(self, within: float) -> int:
        """Returns the process that the next answer is under way to, or 0 if there is none."""
        done, _ = await asyncio.wait({self._answering}, timeout=within)
        return next((each.result() for each in done), 0)


class Model(Vendor):
    """Speaks Chat Completions. Its last message of a person that begins with "Steps" says how many
    steps it takes; every token of its text says which request it answers. A step has at most so
    many calls of tools.
    """

    def __init__(self, seed: int, calls: int) -> None:
        super().__init__()
        self.seed = seed
        self.calls = calls
        self.asked = 0
        self.lengths: dict[int, int] = {}
        self.unanswered: list[str] = []

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        told = self.requests.pop().body["messages"]
        self.asked += 1
        request, chance = self.asked, random.Random(f"model {self.seed} {self.asked}")
        self._check(told)
        writer.write(HEAD)
        self.lengths[request] = length = chance.randrange(2, 12)
        for n in range(length):
            await self._say(writer, {"content": token(request, n)})
            await asyncio.sleep(chance.uniform(0, 0.05))
        calls = chance.randint(1, self.calls) if self._step(told) < self._steps(told) else 0
        for n in range(calls):
            function = {"name": chance.choice(NAMES), "arguments": f'{{"what": "{request}.{n}"}}'}
            call = {"index": n, "id": f"call-{request}-{n}", "type": "function"}
            await self._say(writer, {"tool_calls": [{**call, "function": function}]})
        await self._say(writer, {}, "tool_calls" if calls else "stop")
        writer.write(framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _say(self, writer: Any, delta: dict[str, Any], end: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": end}
        writer.write(framed(bare({"choices": [choice]})))
        await writer.drain()

    def _check(self, told: list[dict[str, Any]]) -> None:
        """Checks that each call has one result, as the vendors do."""
        called = [call["id"] for each in told for call in each.get("tool_calls") or ()]
        results = [each["tool_call_id"] for each in told if each["role"] == "tool"]
        if sorted(called) != sorted(results):
            self.unanswered.append(f"{called} {results}")

    def _step(self, told: list[dict[str, Any]]) -> int:
        """Counts the steps since the prompt."""
        return sum(bool(each.get("tool_calls")) for each in told[self._prompt(told) :])

    def _steps(self, told: list[dict[str, Any]]) -> int:
        words = str(told[self._prompt(told)]["content"]).rpartition("Steps ")[2].split()
        return int(words[0]) if words[0].isdecimal() else 0

    @staticmethod
    def _prompt(told: list[dict[str, Any]]) -> int:
        """Returns the index of the last prompt that says how many; others join it."""
        prompts = [n for n, each in enumerate(told) if "Steps " in json.dumps(each["content"])]
        return max(prompts, default=len(told) - 1)


class Person(Author):
    """Prompts one conversation from two devices, and decides what waits there. `stops` is the
    chance, at each look, that it stops an answer.
    """

    def __init__(
        self, seed: object, jars: list[Any], stranger: Any, watched: Device, stops: float
    ) -> None:
        super().__init__(seed, jars[0], watched)
        self.stops = stops
        self.jars, self.stranger = jars, stranger
        self.deciding: dict[str, asyncio.Task[None]] = {}
        self.looks: Counter[str] = Counter()
        self.seen: set[str] = set()

    async def live(self) -> None:
        while True:
            await asyncio.sleep(self.chance.uniform(0, 1))
            run = await self._prompt(f"Steps {self.chance.randrange(1, 5)} please")
            joined = False
            while not await self._has_ended(run):
                fate = self.chance.random()
                if fate < self.stops:
                    self.counts["cancels"] += 1
                    await self._insist(f"/runs/{run}/cancel", None, (200, 202))
                elif fate < self.stops + 0.04 and not joined:
                    joined = True
                    await self._prompt("And be quick")

    async def _prompt(self, text: str) -> str:
        self.counts["prompts"] += 1
        path = f"/c/{self.watched.conversation}/messages"
        answer = await self._insist(path, {"content": text}, (200, 201))
        return str(answer["run"]["id"])

    async def _has_ended(self, run: str) -> bool:
        """One that the device has not seen yet has not; one that is not there any more was taken
        back.
        """
        await asyncio.sleep(0.1)
        known = self.watched.transcript.runs.get(run)
        self.looks[run] += 1
        if known is None:
            return run in self.seen or self.looks[run] > LOOKS
        self.seen.add(run)
        return known.status not in ("queued", "running", "waiting")

    async def decide(self) -> None:
        """Decides each call that waits, after a while; others get nowhere."""
        while True:
            for run in list(self.watched.transcript.runs.values()):
                for call in run.calls.values():
                    if call.status == "waiting" and call.id not in self.deciding:
                        work = self._decide(f"/runs/{run.id}/calls/{call.id}/decision")
                        self.deciding[call.id] = asyncio.create_task(work)
            for task in self.deciding.values():
                if task.done():
                    task.result()
            await asyncio.sleep(0.1)

    async def _decide(self, path: str) -> None:
        await asyncio.sleep(self.chance.choice((0, 0.1, 0.5, 2)))
        port = self.watched.ports[0]
        if self.chance.random() < 0.2:
            status, _ = await ask(port, "POST", path, self.stranger, {"decision": "approved"})
            assert status == 404, f"a stranger decides: {status}"
        both = [self.chance.choices(("approved", "denied"), (3, 1))[0] for _ in self.jars]
        at_once = zip(self.jars, both, strict=True)
        told = await asyncio.gather(
            *(self._decided(path, jar, decision) for jar, decision in at_once)
        )
        for status, _ in told:
            self.counts[f"decisions {status}"] += 1
        statuses = sorted(status for status, _ in told)
        assert set(statuses) <= {200, 409}, told
        assert both[0] == both[1] or statuses != [200, 200], f"both were taken: {both}"

    async def _decided(self, path: str, jar: Any, decision: str) -> tuple[int, Any]:
        """Decides from one device; again where a busy machine says so."""
        while True:
            told = await ask(self.watched.ports[0], "POST", path, jar, {"decision": decision})
            if told[0] != 503:
                return told
            self.counts["decisions put off"] += 1
            await asyncio.sleep(0.5)
