"""Exact text at an exact pace: for demos, tests and benchmarks. No network, no chance.

| name | answer |
|---|---|
| `demo` | a thought, then Markdown that quotes the prompt, 40 tokens/s |
| `echo` | the prompt's last turn, 40 tokens/s |
| `count-N` | the N tokens `1 2 3 …`, 50 tokens/s |
| `tools` | calls tools as the prompt says: see `streams.providers.scripted_tools` |
| `stall`, `silent` | one token, or none, then silence for ever |
| `fail-CODE` | fails at once with one of our codes, as in `fail-rate-limited` |
| `fail-late-CODE` | five tokens, then fails |
| `flaky-N` | is overloaded the first N times in this process, then counts to 5 |

`@R` after any name sets the pace to R tokens/s; `@0` is as fast as possible.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from streams.providers import scripted_tools
from streams.providers.base import (
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Code,
    Finished,
    Kind,
    Prompt,
    ProviderError,
    ProviderEvent,
    UnknownModel,
)
from streams.providers.demo_text import ANSWER, THOUGHT, quoted

NAME = re.compile(
    r"(?P<act>demo|echo|tools|stall|silent|count-(?P<count>\d{1,6})"
    r"|fail-(?P<late>late-)?(?P<code>[a-z-]+)|flaky-(?P<times>\d{1,3}))"
    r"(?:@(?P<rate>\d{1,6}(?:\.\d{1,3})?))?"
)
TOKEN = re.compile(r"\s*\S{1,5}|\s+")
PACE = {"demo": 40.0, "echo": 40.0}
# At full speed the loop still has to get its turn.
BREATH = 64


@dataclass(frozen=True, slots=True)
class Script:
    """What one name says: blocks of tokens, the `rate` per second (0: no waiting), and the end."""

    blocks: Sequence[tuple[Kind, Sequence[str]]]
    rate: float
    then: Literal["finish", "silence"] | Code = "finish"
    flaky: int = 0


def script(name: str, said: str = "") -> Script:
    """Returns the script of this name for a prompt whose last turn is `said`; raises
    UnknownModel.
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise UnknownModel(f"There is no script “{name}”; “demo” is one.")
    act, rate = match["act"], float(match["rate"] or PACE.get(match["act"], 50.0))
    if act == "demo":
        answer = ANSWER.format(said=quoted(said))
        return Script([(Kind.REASONING, tokens(THOUGHT)), (Kind.TEXT, tokens(answer))], rate)
    if act == "echo":
        return Script([(Kind.TEXT, tokens(said))], rate)
    if act == "stall":
        return Script([(Kind.TEXT, numbers(1))], rate, "silence")
    if act == "silent":
        return Script([], rate, "silence")
    if match["code"]:
        shown = [(Kind.TEXT, numbers(5))] if match["late"] else []
        return Script(shown, rate, failure_code(match["code"]))
    count = int(match["count"] or 5)
    return Script([(Kind.TEXT, numbers(count))], rate, flaky=int(match["times"] or 0))


def check(name: str) -> None:
    """Raises UnknownModel for a script that does not exist."""
    script(name)


def tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def numbers(count: int) -> list[str]:
    return [f" {number}" if number > 1 else "1" for number in range(1, count + 1)]


def failure_code(name: str) -> Code:
    try:
        return Code(name.replace("-", "_"))
    except ValueError:
        raise UnknownModel(f"There is no failure “{name}”.") from None


class Scripted:
    """The `scripted:` provider."""

    name = "scripted"

    def __init__(self, models: Sequence[str] = ("demo",)) -> None:
        self.skipped = 0
        self._models = models
        self._tries: Counter[str] = Counter()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]:
        said = prompt.turns[-1].text if prompt.turns else ""
        try:
            play = script(prompt.model, said)
        except UnknownModel as error:
            raise ProviderError(Code.BAD_REQUEST) from error
        if prompt.model.partition("@")[0] == "tools":
            for event in scripted_tools.events(prompt):
                yield event
            return
        self._tries[prompt.model] += 1
        if self._tries[prompt.model] <= play.flaky:
            raise ProviderError(Code.OVERLOADED)
        async for event in perform(play):
            yield event
        if play.then == "silence":
            await asyncio.get_running_loop().create_future()
        if isinstance(play.then, Code):
            raise ProviderError(play.then)
        yield Finished("end_turn", usage(prompt, play))

    def models(self) -> Sequence[str]:
        return self._models

    async def aclose(self) -> None:
        """Does nothing, since it holds no connection."""


async def perform(play: Script) -> AsyncGenerator[ProviderEvent, None]:
    """Yields the blocks at their pace; the last one stays open if the script does not finish."""
    loop = asyncio.get_running_loop()
    start, shown = loop.time(), 0
    for event in events(play):
        if isinstance(event, BlockDelta):
            shown += 1
            # Due by the clock since the start: sleeping a little too long does not add up.
            if play.rate and (wait := start + shown / play.rate - loop.time()) > 0:
                await asyncio.sleep(wait)
            elif shown % BREATH == 0:
                await asyncio.sleep(0)
        yield event


def events(play: Script) -> Iterator[ProviderEvent]:
    for index, (kind, texts) in enumerate(play.blocks):
        yield BlockStarted(index, kind)
        for text in texts:
            yield BlockDelta(index, text)
        if play.then == "finish":
            yield BlockEnded(index)


def usage(prompt: Prompt, play: Script) -> dict[str, int]:
    given = sum(len(tokens(turn.text)) for turn in prompt.turns) + len(tokens(prompt.system))
    return {
        "input_tokens": given,
        "output_tokens": sum(len(texts) for _, texts in play.blocks),
        "reasoning_tokens": sum(len(t) for kind, t in play.blocks if kind is Kind.REASONING),
    }
