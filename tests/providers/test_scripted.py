"""Scripts say exactly their text, at exactly their pace, every time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from streams.providers.base import (
    RETRYABLE,
    BlockDelta,
    BlockStarted,
    Call,
    Code,
    Finished,
    Kind,
    Prompt,
    ProviderError,
    ProviderEvent,
    Result,
    Text,
    Turn,
    UnknownModel,
)
from streams.providers.scripted import Scripted, script
from tests.providers.http_adapters import read


def prompt(name: str, said: str = "Hello there") -> Prompt:
    return Prompt(name, [Turn.of("user", said)])


async def said_by(name: str, said: str = "Hello there") -> list[ProviderEvent]:
    return await read(Scripted(), prompt(name, said))


def text(events: list[ProviderEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, BlockDelta))


async def test_count_counts() -> None:
    events = await said_by("count-200@0")
    assert text(events) == " ".join(str(number) for number in range(1, 201))
    assert sum(isinstance(event, BlockDelta) for event in events) == 200
    assert isinstance(events[-1], Finished)
    assert events[-1].usage["output_tokens"] == 200


async def test_the_pace_is_kept_by_the_clock() -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await said_by("count-20@200")
    assert 0.1 <= loop.time() - begun < 1


async def test_full_speed_lets_others_run() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    other = asyncio.create_task(others())
    await said_by("count-10000@0")
    other.cancel()
    assert turns > 100


async def test_echo_says_the_prompt() -> None:
    said = "Grüße,\n\n  wörld 🌍!  "
    assert text(await said_by("echo@0", said)) == said


async def test_demo_thinks_then_answers_with_the_prompt_in_it() -> None:
    events = await said_by("demo@0", "What *is*\nthis?")
    kinds = [event.kind for event in events if isinstance(event, BlockStarted)]
    assert kinds == [Kind.REASONING, Kind.TEXT]
    assert r"What \*is\* this?" in text(events)
    assert all(mark in text(events) for mark in ("## ", "| seq |", "```python", "1. "))
    assert events == await said_by("demo@0", "What *is*\nthis?")


@pytest.mark.parametrize(("name", "shown"), [("stall", "1"), ("silent", "")])
async def test_silence_lasts(name: str, shown: str) -> None:
    seen: list[ProviderEvent] = []
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read(Scripted(), prompt(name), seen), 0.1)
    assert text(seen) == shown


@pytest.mark.parametrize("code", list(Code))
async def test_every_failure_can_be_had(code: Code) -> None:
    with pytest.raises(ProviderError) as caught:
        await said_by(f"fail-{code.replace('_', '-')}")
    assert caught.value.code is code
    assert caught.value.retryable is (code in RETRYABLE)


async def test_a_late_failure_shows_something_first() -> None:
    seen: list[ProviderEvent] = []
    with pytest.raises(ProviderError):
        await read(Scripted(), prompt("fail-late-unavailable@0"), seen)
    assert text(seen) == "1 2 3 4 5"


async def test_flaky_works_after_its_failures() -> None:
    provider = Scripted()
    for _ in range(2):
        with pytest.raises(ProviderError) as caught:
            await anext(provider.stream(prompt("flaky-2@0")))
        assert caught.value.code is Code.OVERLOADED
    assert text([event async for event in provider.stream(prompt("flaky-2@0"))]) == "1 2 3 4 5"


@pytest.mark.parametrize(
    "name", ["", "nothing", "count-", "count-9999999", "fail-nothing", "demo@", "demo@x", "demo "]
)
def test_an_unknown_script_is_an_unknown_model(name: str) -> None:
    with pytest.raises(UnknownModel):
        script(name)


async def test_tools_are_called_as_the_prompt_says_a_line_for_each_step() -> None:
    prompt = Prompt("tools", [Turn.of("user", 'add {"a": 1} + add {"a": 2}\nfind {}\n')])
    seen: list[list[tuple[str, str]]] = []
    while True:
        events = [event async for event in Scripted().stream(prompt)]
        calls = [event for event in events if getattr(event, "call_id", "")]
        texts = [event.text for event in events if isinstance(event, BlockDelta)]
        if not calls:
            break
        assert events[-1].stop_reason == "tool_call"
        seen.append([(call.name, text) for call, text in zip(calls, texts, strict=True)])
        parts = [Call(call.call_id, *seen[-1][n]) for n, call in enumerate(calls)]
        results = [Result(part.call_id, f"got {part.arguments}") for part in parts]
        more = [Turn("assistant", tuple(parts)), Turn("user", (*results, Text("Hurry.")))]
        prompt = replace(prompt, turns=[*prompt.turns, *more])
    assert seen == [[("add", '{"a": 1}'), ("add", '{"a": 2}')], [("find", "{}")]]
    assert texts == ["got {}"]
    called = [part for turn in prompt.turns for part in turn.parts if isinstance(part, Call)]
    assert len({part.call_id for part in called}) == 3
