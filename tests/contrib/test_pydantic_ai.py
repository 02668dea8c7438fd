"""Agents of pydantic-ai as models of ours: real agents, with models of pydantic-ai's for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from streams.providers import registry
from streams.providers.base import (
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Call,
    Code,
    Finished,
    Kind,
    Prompt,
    Provider,
    ProviderError,
    Result,
    Text,
    Turn,
)
from tests.providers.http_adapters import joined, read

NAMES = ("support", "limited", "structured", "gone")


@pytest.fixture(scope="module")
def crew() -> ModuleType:
    """Imported here: a second of a core for every process that collects tests."""
    return import_module("tests.contrib.pydantic_agents")


@pytest.fixture
async def provider(crew: ModuleType, settings: Any) -> AsyncIterator[Provider]:
    agents = {name: f"tests.contrib.pydantic_agents.{name}" for name in NAMES}
    entry = {"class": "streams.contrib.pydantic_ai.PydanticAI", "options": {"agents": agents}}
    settings.STREAMS = {"models": {"crew": {**entry, "menu": ["support"]}}}
    assert "crew:support" in registry.offered()
    provider, model = registry.resolve("crew:support")
    assert model == "support"
    crew.asked.clear()
    yield provider
    await registry.aclose()


def prompt(model: str, *turns: Turn) -> Prompt:
    return Prompt(model, [*turns, Turn.of("user", "Double 2 and 3.")], system="Be brief.")


async def test_its_tools_run_and_calls_and_answer_are_shown(provider: Any) -> None:
    events = joined(await read(provider, prompt("support")))
    assert events[:-1] == [
        BlockStarted(0, Kind.TEXT),
        BlockDelta(0, "Looking. "),
        BlockEnded(0),
        BlockStarted(1, Kind.TOOL_CALL, "double", "c0"),
        BlockDelta(1, '{"number": 2}'),
        BlockEnded(1),
        BlockStarted(2, Kind.TOOL_CALL, "double", "c1"),
        BlockDelta(2, '{"number": 3}'),
        BlockEnded(2),
        BlockStarted(3, Kind.TEXT),
        BlockDelta(3, "It is 4 and 6"),
        BlockEnded(3),
    ]
    assert isinstance(events[-1], Finished)
    assert events[-1].stop_reason == "end_turn"
    assert events[-1].usage["output_tokens"] > 0


async def test_it_is_told_the_conversation_and_its_instructions(provider: Any, crew: Any) -> None:
    earlier = [
        Turn.of("user", "Hello"),
        Turn("assistant", (Text("Hi."), Call("c", "find", '{"a": 1}'))),
        Turn("user", (Result("c", "found"), Text("Good."))),
        Turn.of("assistant", "Yes."),
    ]
    await read(provider, prompt("support", *earlier))
    messages, info = crew.asked[0]
    said = [part.content for message in messages for part in message.parts]
    assert said == [
        "Hello",
        'Hi.\n\n[Called find with {"a": 1}]',
        "[Result: found]\n\nGood.",
        "Yes.",
        "Double 2 and 3.",
    ]
    assert "Be brief." in str(info.instructions or messages)


async def test_an_output_that_is_no_text_is_shown_as_json(provider: Any) -> None:
    events = await read(provider, prompt("structured"))
    assert '{"paid":true}' in [event.text for event in events if isinstance(event, BlockDelta)]


@pytest.mark.parametrize(
    ("model", "code"),
    [("limited", Code.RATE_LIMITED), ("nobody", Code.BAD_REQUEST), ("gone", Code.INTERNAL)],
)
async def test_its_failures_have_our_codes(provider: Any, model: str, code: Code) -> None:
    with pytest.raises(ProviderError) as caught:
        await read(provider, prompt(model))
    assert caught.value.code is code
