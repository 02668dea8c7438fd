"""Answers that go on at OpenAI: asked once, read again where the connection broke, cancelled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from streams.providers import registry
from streams.providers.base import (
    Background,
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Finished,
    Kind,
    Prompt,
    ProviderEvent,
    Turn,
    Upstream,
)
from streams.providers.openai import OpenAI
from tests.providers.background_vendor import BackgroundVendor
from tests.providers.http_adapters import joined, read

PROMPT = Prompt("m", [Turn.of("user", "Go.")])


@pytest.fixture
async def vendor() -> AsyncIterator[BackgroundVendor]:
    async with BackgroundVendor() as vendor:
        yield vendor


@pytest.fixture
async def provider(vendor: BackgroundVendor) -> AsyncIterator[OpenAI]:
    provider = OpenAI("k", f"{vendor.url}/v1", background=True)
    yield provider
    await provider.aclose()


def whole(vendor: BackgroundVendor) -> list[ProviderEvent]:
    return [
        BlockStarted(0, Kind.TEXT),
        BlockDelta(0, vendor.text),
        BlockEnded(0),
        Finished("end_turn", {"input_tokens": 3, "output_tokens": 30}),
    ]


async def test_the_id_comes_before_anything_else(vendor: Any, provider: Any) -> None:
    assert joined(await read(provider, PROMPT)) == [Upstream("resp_1"), *whole(vendor)]
    assert isinstance(provider, Background)


async def test_a_connection_that_breaks_again_and_again_loses_and_doubles_nothing(
    vendor: Any, provider: Any
) -> None:
    vendor.cuts = [7, 1, 0, 0, 12]
    assert joined(await read(provider, PROMPT)) == [Upstream("resp_1"), *whole(vendor)]
    assert len(vendor.asked) == 1
    assert [int(query["starting_after"]) for query in vendor.read] == [6, 7, 7, 7, 19]


@pytest.mark.parametrize("seen", [1, 2, 3, 10, 32])
async def test_another_process_goes_on_with_the_same_response(
    vendor: Any, provider: Any, seen: int
) -> None:
    async with aclosing(provider.stream(PROMPT)) as events:
        for _ in range(seen):
            first = await anext(events)
    again = OpenAI("k", f"{vendor.url}/v1", background=True)
    events_then = await read(again, Prompt("m", PROMPT.turns, upstream="resp_1"))
    await again.aclose()
    assert first
    assert joined(events_then) == whole(vendor)
    assert len(vendor.asked) == 1
    assert not vendor.cancelled


async def test_a_cancel_stops_it_there_and_one_too_late_is_no_error(
    vendor: Any, provider: Any
) -> None:
    async with aclosing(provider.stream(PROMPT)) as events:
        assert await anext(events) == Upstream("resp_1")
    await provider.cancel("resp_1")
    assert vendor.cancelled == ["resp_1"]
    await provider.cancel("resp_1")
    await provider.cancel("resp_9")
    *_, end = await read(provider, Prompt("m", PROMPT.turns, upstream="resp_1"))
    assert isinstance(end, Finished)
    assert end.stop_reason == "interrupted"


async def test_a_response_that_is_gone_is_asked_for_anew(vendor: Any, provider: Any) -> None:
    events = await read(provider, Prompt("m", PROMPT.turns, upstream="resp_lost"))
    assert joined(events) == [Upstream("resp_1"), *whole(vendor)]


async def test_it_is_off_unless_the_settings_say_so(settings: Any, vendor: Any) -> None:
    given = {"key": "k", "url": f"{vendor.url}/v1", "options": {"background": True}}
    settings.STREAMS = {"models": {"openai": given}}
    provider, _ = registry.resolve("openai:m")
    assert Upstream("resp_1") in await read(provider, PROMPT)
    await registry.aclose()
