"""Leaving an answer closes the connection to the vendor, so that nobody pays for unused tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from streams.providers.base import BlockDelta, Prompt, Provider
from tests.providers.http_adapters import read
from tests.providers.vendor import Then

LIMIT = 0.25


async def closes(provider: Provider, prompt: Prompt, quiet: asyncio.Event) -> None:
    stream = provider.stream(prompt)
    async for event in stream:
        if isinstance(event, BlockDelta):
            break
    await quiet.wait()
    await stream.aclose()


async def cancels_while_waiting(provider: Provider, prompt: Prompt, quiet: asyncio.Event) -> None:
    reader = asyncio.create_task(read(provider, prompt))
    await quiet.wait()
    reader.cancel()
    await asyncio.wait([reader])


async def cancels_while_busy(provider: Provider, prompt: Prompt, quiet: asyncio.Event) -> None:
    """The reader is cancelled in the body of its loop, where the generator hears nothing."""

    async def dawdle() -> None:
        async for _ in provider.stream(prompt):
            await asyncio.Event().wait()

    reader = asyncio.create_task(dawdle())
    await quiet.wait()
    reader.cancel()
    await asyncio.wait([reader])


Leaving = Callable[[Provider, Prompt, asyncio.Event], Coroutine[Any, Any, None]]


@pytest.mark.parametrize("leave", [closes, cancels_while_waiting, cancels_while_busy])
async def test_leaving_a_stalled_answer_closes_the_connection(
    provider, vendor, dialect, prompt, leave: Leaving
) -> None:
    vendor.says(dialect.begin, Then.SILENCE)
    await leave(provider, prompt, vendor.quiet)
    async with asyncio.timeout(LIMIT):
        await vendor.left.wait()


async def test_leaving_before_the_first_byte_closes_the_connection(
    provider, vendor, prompt
) -> None:
    vendor.says(before=(Then.SILENCE,))
    await cancels_while_waiting(provider, prompt, vendor.quiet)
    async with asyncio.timeout(LIMIT):
        await vendor.left.wait()


async def test_leaving_between_status_and_first_token_closes_the_connection(
    provider, vendor, prompt
) -> None:
    vendor.says(Then.SILENCE)
    await cancels_while_waiting(provider, prompt, vendor.quiet)
    async with asyncio.timeout(LIMIT):
        await vendor.left.wait()


async def test_leaving_an_answer_in_full_flow_closes_the_connection(
    provider, vendor, dialect, prompt
) -> None:
    vendor.says(dialect.begin, Then.ON_AND_ON)
    stream = provider.stream(prompt)
    async for event in stream:
        if isinstance(event, BlockDelta):
            break
    await stream.aclose()
    async with asyncio.timeout(LIMIT):
        await vendor.left.wait()


async def test_a_server_that_never_ends_its_body_delays_nothing(
    provider, vendor, dialect, prompt
) -> None:
    vendor.says(dialect.whole, Then.SILENCE)
    async with asyncio.timeout(1):
        events = await read(provider, prompt)
        await vendor.left.wait()
    assert events
