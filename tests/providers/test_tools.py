"""Loops of tools through each API, before a server that refuses what the vendors document as
invalid.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from streams.providers.anthropic import Anthropic
from streams.providers.base import (
    BlockDelta,
    BlockStarted,
    Call,
    Finished,
    Kind,
    Part,
    Prompt,
    Provider,
    ProviderError,
    Replay,
    Result,
    Text,
    ToolSpec,
    Turn,
)
from streams.providers.openai import OpenAI
from streams.providers.openai_chat import OpenAIChat
from tests.providers.checking_vendor import CheckingVendor
from tests.providers.http_adapters import read

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
ADD = ToolSpec("add", "Add one.", SCHEMA)
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}

PROVIDERS: dict[str, Callable[[str], Provider]] = {
    "anthropic": lambda url: Anthropic("k", url, extra_body=THINKING),
    "openai": lambda url: OpenAI("k", f"{url}/v1"),
    "openai-chat": lambda url: OpenAIChat("k", f"{url}/v1"),
}


@pytest.fixture(params=PROVIDERS)
async def api(request: pytest.FixtureRequest) -> AsyncIterator[tuple[CheckingVendor, Provider]]:
    async with CheckingVendor(request.param, steps=5) as vendor:
        provider = PROVIDERS[request.param](vendor.url)
        yield vendor, provider
        await provider.aclose()


async def step(provider: Provider, prompt: Prompt) -> tuple[Turn, Finished]:
    """One model call, and its turn as the worker keeps it."""
    blocks: dict[int, tuple[BlockStarted, list[str]]] = {}
    events = await read(provider, prompt)
    for event in events:
        if isinstance(event, BlockStarted):
            blocks[event.index] = (event, [])
        elif isinstance(event, BlockDelta):
            blocks[event.index][1].append(event.text)
    parts: list[Part] = []
    for block, texts in blocks.values():
        text = "".join(texts)
        if block.kind is Kind.TOOL_CALL:
            parts.append(Call(block.call_id, block.name, text))
        elif block.kind is Kind.TEXT:
            parts.append(Text(text))
    (end,) = (event for event in events if isinstance(event, Finished))
    replay = Replay(provider.name, prompt.model, end.replay) if end.replay else None
    return Turn("assistant", tuple(parts), replay), end


def calls(turn: Turn) -> list[Call]:
    return [part for part in turn.parts if isinstance(part, Call)]


def answered(prompt: Prompt, turn: Turn, *more: Text) -> Prompt:
    results = (Result(call.call_id, "1", is_error=n == 1) for n, call in enumerate(calls(turn)))
    return replace(prompt, turns=[*prompt.turns, turn, Turn("user", (*results, *more))])


async def looped(provider: Provider, prompt: Prompt, steps: int) -> tuple[Prompt, Finished]:
    for number in range(steps):
        turn, end = await step(provider, prompt)
        assert end.stop_reason == "tool_call"
        assert [(call.name, call.arguments) for call in calls(turn)] == [
            ("add", f'{{"a": {number}}}')
        ] * 2
        prompt = answered(prompt, turn, *([Text("Hurry.")] if number == 2 else []))
    return prompt, end


async def test_a_loop_of_five_thinking_steps_with_two_calls_each_is_accepted(api: Any) -> None:
    vendor, provider = api
    prompt = Prompt("m", [Turn.of("user", "Add.")], tools=[ADD])
    prompt, _ = await looped(provider, prompt, 5)
    _, end = await step(provider, prompt)
    assert end.stop_reason == "end_turn"
    assert not vendor.refused
    assert "Add one." in str(vendor.bodies[-1]["tools"])


async def test_the_server_refuses_a_loop_without_what_the_vendor_wants_back(api: Any) -> None:
    """Or the test before this one would say nothing."""
    vendor, provider = api
    prompt = Prompt("m", [Turn.of("user", "Add.")], tools=[ADD])
    prompt, _ = await looped(provider, prompt, 1)
    *before, call, results = prompt.turns
    with pytest.raises(ProviderError):
        await read(
            provider, replace(prompt, turns=[*before, call, Turn("user", results.parts[:1])])
        )
    if provider.name != "openai-chat":
        with pytest.raises(ProviderError):
            await read(provider, replace(prompt, turns=[*before, spoiled(call), results]))
    assert vendor.refused


def spoiled(turn: Turn) -> Turn:
    assert turn.replay
    first, *others = turn.replay.items
    lost = {name: "" for name in ("signature", "encrypted_content") if name in first}
    return replace(turn, replay=replace(turn.replay, items=[{**first, **lost}, *others]))


OPAQUE = ("sig(", "gAAA", "reasoning_content", "thought_signature", "redacted", "rs_", "fc_")


@pytest.mark.parametrize("other", [{"provider": "other"}, {"model": "other"}])
async def test_opaque_items_go_to_the_same_provider_and_model_alone(
    api: Any, other: dict[str, str]
) -> None:
    vendor, provider = api
    prompt = Prompt("m", [Turn.of("user", "Add.")], tools=[ADD])
    prompt, _ = await looped(provider, prompt, 2)
    turns = [
        replace(turn, replay=replace(turn.replay, **other)) if turn.replay else turn
        for turn in prompt.turns
    ]
    with suppress(ProviderError):  # the chat server wants to see them
        await read(provider, replace(prompt, turns=turns))
    sent = vendor.bodies[-1]
    said = str(sent.get("messages") or sent["input"])
    assert not [word for word in OPAQUE if word in said]
    assert "thinking" not in sent


async def test_calls_of_a_conversation_without_tools_now_are_told_in_words(api: Any) -> None:
    vendor, provider = api
    prompt = Prompt("m", [Turn.of("user", "Add.")], tools=[ADD])
    prompt, _ = await looped(provider, prompt, 1)
    await read(provider, replace(prompt, tools=[]))
    assert not vendor.refused
    said = str(vendor.bodies[-1])
    assert "[Called add with " in said
    assert "[Result: Error: 1]" in said
    assert "tool_use" not in said
    assert "function_call" not in said
    assert "tool_calls" not in said


async def test_ids_of_another_vendor_are_made_such_that_every_api_takes_them(api: Any) -> None:
    vendor, provider = api
    long = "sig/" + "x" * 4000
    turns = [
        Turn.of("user", "Add."),
        Turn("assistant", (Text("Well."), Call(long, "add", '{"a": 1'), Call("b", "add", ""))),
        Turn("user", (Result(long, "no JSON", is_error=True), Result("b", ""))),
    ]
    with suppress(ProviderError):
        await read(provider, Prompt("m", turns, tools=[ADD]))
    assert vendor.refused in ([], ["the thought goes back"])
    assert long not in str(vendor.bodies[-1])
    assert str(vendor.bodies[-1]).count("call_") >= 2
