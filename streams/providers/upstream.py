"""One request to a vendor: asked through its SDK, read raw, closed at once when left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import httpx2

from streams.providers.base import (
    Alive,
    Code,
    Finished,
    Prompt,
    Provider,
    ProviderError,
    ProviderEvent,
)
from streams.providers.errors import failure
from streams.providers.wire import Frames, parse

# Silence after the connection stands is the runner's to judge.
TIMEOUT = httpx2.Timeout(None, connect=10, pool=10)
# No limit (aiohttp's 0), since the worker's concurrency is one; kept open between answers.
LIMITS = httpx2.Limits(max_connections=0, keepalive_expiry=30)
DRAIN = 0.2


class Reader(Protocol):
    """Turns one answer's upstream events into ours."""

    def read(self, event: dict[str, Any]) -> list[ProviderEvent] | None:
        """Our events for theirs; None for one it does not know."""
        ...

    def end(self) -> list[ProviderEvent]:
        """Called when the body ended and nothing was Finished; what that still gives."""
        ...


class Opened(Protocol):
    """What both SDKs' `with_streaming_response` enter to."""

    @property
    def http_response(self) -> httpx2.Response: ...


async def answer(
    provider: Provider,
    ask: Callable[[], AbstractAsyncContextManager[Opened]],
    reader: Reader,
) -> AsyncGenerator[ProviderEvent, None]:
    """The events of the request that `ask` makes; see `Provider.stream` for what is raised.

    The connection is kept for the next request when the consumer iterates past Finished.
    """
    try:
        async with ask() as opened:
            received = opened.http_response.aiter_bytes()
            frames, heard = Frames(), False
            async for data in received:
                silent = True
                for frame in frames.feed(data):
                    heard = True
                    for event in understood(provider, reader, parse(frame)):
                        silent = False
                        yield event
                        if type(event) is Finished:
                            await drain(received)
                            return
                if silent:  # a ping, a comment, a part of something long
                    yield Alive()
            for event in reader.end():
                yield event
                if type(event) is Finished:
                    return
            # Nothing at all in it was an event: this is no such API.
            raise ProviderError(Code.UNAVAILABLE if heard else Code.PROTOCOL)
    except Exception as error:
        raise failure(error) from error


def understood(provider: Provider, reader: Reader, event: dict[str, Any]) -> list[ProviderEvent]:
    try:
        events = reader.read(event)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ProviderError(Code.PROTOCOL) from error
    if events is None:
        provider.skipped += 1
        return []
    return events


async def drain(received: AsyncIterator[bytes]) -> None:
    """Read the few bytes behind the last event: only a body read whole frees its socket."""
    try:
        async with asyncio.timeout(DRAIN):
            async for _ in received:
                pass
    except Exception:
        return


def turns(prompt: Prompt) -> list[dict[str, str]]:
    """The turns as all three APIs take them; an answer stopped before its first word is none.

    Anthropic refuses a turn of white space alone, and with it the conversation for ever.
    """
    said = [turn for turn in prompt.turns if turn.text.strip()]
    return [{"role": turn.role, "content": turn.text} for turn in said]
