"""Streams one request to a model API: sent through its SDK, read raw, closed as soon as it is
left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import httpx2

from streams.providers.base import (
    Alive,
    Code,
    Finished,
    Provider,
    ProviderError,
    ProviderEvent,
)
from streams.providers.errors import failure
from streams.providers.payload import Unreadable
from streams.providers.response_body import Read, reading
from streams.providers.sse_parser import Frames, parse

DRAIN = 0.2


class Reader(Protocol):
    """Turns the upstream events of one answer into ours."""

    def read(self, event: dict[str, Any]) -> list[ProviderEvent] | None:
        """Returns our events for one of theirs; None for one it does not know."""
        ...

    def end(self) -> list[ProviderEvent]:
        """Returns what the end of the body still gives; called when no Finished had come."""
        ...


class Reading:
    """Reads an answer's events. One that cannot be read is counted and left out: an odd frame of a
    gateway must not cost the answer, as long as that ends properly.
    """

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
        """Returns what the end of the body still gives; ProviderError if the answer did not end."""
        if events := self.reader.end():
            return events
        if self.unreadable:
            raise ProviderError(Code.PROTOCOL, why=f"{self.unreadable} unreadable events, no end")
        if self.heard:
            raise ProviderError(Code.UNAVAILABLE, why="the answer was cut off")
        raise ProviderError(Code.PROTOCOL, why="no events: this is no such API")


async def answer(
    provider: Provider,
    ask: Callable[[], AbstractAsyncContextManager[httpx2.Response]],
    reader: Reader,
) -> AsyncGenerator[ProviderEvent, None]:
    """Yields the events of the request that `ask` makes; raises what `Provider.stream` does.

    The connection is kept for the next request if the consumer iterates past Finished.
    """
    try:
        async with ask() as response:
            read = plain(response)
            frames, answered = Frames(), Reading(provider, reader)
            while received := await read():
                silent = True
                for frame in frames.feed(received):
                    for event in answered.read(frame):
                        silent = False
                        yield event
                        if type(event) is Finished:
                            await drain(read)
                            return
                if silent:  # a ping, a comment, a part of something long
                    yield Alive()
            for event in answered.end():
                yield event
    except ProviderError:
        raise
    except Exception as error:
        raise failure(error) from error


def plain(response: httpx2.Response) -> Read:
    """Returns what reads the body as it is sent. A compressed one, which nobody asked for, raises
    ProviderError: it could expand to any size.
    """
    if (packed := response.headers.get("content-encoding", "identity").lower()) != "identity":
        raise ProviderError(Code.PROTOCOL, why=f"content-encoding {packed[:20]!r}")
    return reading(response)


async def drain(read: Read) -> None:
    """Reads the few bytes after the last event, since only a body read to its end frees its
    socket.
    """
    try:
        async with asyncio.timeout(DRAIN):
            while await read():
                pass
    except Exception:
        return
