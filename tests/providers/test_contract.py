"""One contract, held by every adapter: scripts, vendors told what to say, and a real model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from streams.providers.base import (
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Code,
    Finished,
    ProviderError,
    ProviderEvent,
)
from streams.providers.stop_reason_words import ENDINGS
from tests.providers import adapters
from tests.providers.adapters import RealSubject, Subject, VendorSubject
from tests.providers.http_adapters import DIALECTS, read
from tests.providers.vendor import Vendor

COUNTS = {"input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens"}
NAMES = [dialect.name for dialect in DIALECTS]


@pytest.fixture(
    params=["scripted", *NAMES, *(f"{name}, real model" for name in NAMES)],
)
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    name, _, real = request.param.partition(", ")
    if name == "scripted":
        yield adapters.scripted()
        return
    dialect = DIALECTS[NAMES.index(name)]
    async with Vendor() as vendor:
        url = request.getfixturevalue("llama_url") if real else vendor.url
        provider = dialect.provider(url)
        yield RealSubject(provider) if real else VendorSubject(provider, dialect, vendor)
        await provider.aclose()


def assert_in_order(events: list[ProviderEvent]) -> None:
    """Blocks numbered from 0, each started once, grown while open, ended; one Finished, last."""
    started, open_ = 0, set()
    for event in events[:-1]:
        match event:
            case BlockStarted(index=index):
                assert index == started
                started += 1
                open_.add(index)
            case BlockDelta(index=index, text=text):
                assert index in open_
                assert text
            case BlockEnded(index=index):
                open_.remove(index)
            case Finished():
                pytest.fail("Finished is not the last event")
    assert not open_
    assert isinstance(events[-1], Finished)


async def test_an_answer_is_blocks_in_order_and_then_one_finish(subject: Subject) -> None:
    events = await read(subject.provider, subject.answers())

    assert_in_order(events)
    assert any(isinstance(event, BlockDelta) for event in events)
    assert events[-1].stop_reason in ENDINGS
    assert events[-1].usage["input_tokens"] > 0
    assert events[-1].usage["output_tokens"] > 0
    assert set(events[-1].usage) <= COUNTS
    assert all(type(count) is int for count in events[-1].usage.values())
    assert subject.provider.skipped == 0


async def test_answers_at_the_same_time_do_not_mix(subject: Subject) -> None:
    prompt = subject.answers()

    for events in await asyncio.gather(*(read(subject.provider, prompt) for _ in range(3))):
        assert_in_order(events)


async def test_closing_after_the_first_words_ends_at_once(subject: Subject) -> None:
    stream = subject.provider.stream(subject.goes_on())
    async for event in stream:
        if isinstance(event, BlockDelta):
            break

    async with asyncio.timeout(0.25):
        await stream.aclose()

    assert [event async for event in stream] == []


async def test_cancelling_whoever_iterates_ends_at_once(subject: Subject) -> None:
    words = asyncio.Event()

    async def listen() -> None:
        async for event in subject.provider.stream(subject.goes_on()):
            if isinstance(event, BlockDelta):
                words.set()

    reader = asyncio.create_task(listen())
    await words.wait()
    reader.cancel()

    async with asyncio.timeout(0.25):
        with pytest.raises(asyncio.CancelledError):
            await reader


async def test_a_failure_is_one_of_our_codes_with_our_words(subject: Subject) -> None:
    with pytest.raises(ProviderError) as caught:
        await read(subject.provider, subject.fails())

    assert caught.value.code is Code.CONTEXT_LENGTH
    assert not caught.value.retryable
    assert str(caught.value).startswith("This conversation is too long")


async def test_a_stream_never_read_asks_for_nothing(subject: Subject) -> None:
    stream = subject.provider.stream(subject.goes_on())
    await stream.aclose()
