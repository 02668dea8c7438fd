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
from streams.providers.payload import Unreadable
from streams.providers.sse_parser import Frames, parse

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


class Reading:
    """An answer as it comes in. An event that cannot be read is left out and counted: one odd
    frame of a gateway must not cost the answer, as long as that has a proper end."""

    def __init__(self, provider: Provider, reader: Reader) -> None:
        self.provider = provider
        self.reader = reader
        self.heard = False
        self.unreadable = 0

    def read(self, frame: bytes) -> list[ProviderEvent]:
        self.heard = True
        try:
            event = parse(frame)
            events = self.reader.read(event) if event else None
        except Unreadable:
            self.unreadable += 1
            events = None
        if events is None:
            self.provider.skipped += 1
        return events or []

    def end(self) -> list[ProviderEvent]:
        """What the end of the body still gives; ProviderError where it is no end of an answer."""
        if events := self.reader.end():
            return events
        if self.unreadable:
            raise ProviderError(Code.PROTOCOL, why=f"{self.unreadable} unreadable events, no end")
        if self.heard:
            raise ProviderError(Code.UNAVAILABLE, why="the answer was cut off")
        raise ProviderError(Code.PROTOCOL, why="no events: this is no such API")


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
            received = plain(opened.http_response)
            frames, reading = Frames(), Reading(provider, reader)
            async for data in received:
                silent = True
                for frame in frames.feed(data):
                    for event in reading.read(frame):
                        silent = False
                        yield event
                        if type(event) is Finished:
                            await drain(received)
                            return
                if silent:  # a ping, a comment, a part of something long
                    yield Alive()
            for event in reading.end():
                yield event
    except ProviderError:
        raise
    except Exception as error:
        raise failure(error) from error


def plain(response: httpx2.Response) -> AsyncIterator[bytes]:
    """The body as it is sent. A packed one, which nobody asked for, may unpack to any size."""
    if (packed := response.headers.get("content-encoding", "identity").lower()) != "identity":
        raise ProviderError(Code.PROTOCOL, why=f"content-encoding {packed[:20]!r}")
    return response.aiter_raw()


async def drain(received: AsyncIterator[bytes]) -> None:
    """Read the few bytes behind the last event: only a body read whole frees its socket."""
    try:
        async with asyncio.timeout(DRAIN):
            async for _ in received:
                pass
    except Exception:
        return


def turns(prompt: Prompt) -> list[dict[str, str]]:
    """The turns as all three APIs take them."""
    return [{"role": turn.role, "content": turn.text} for turn in prompt.turns]
