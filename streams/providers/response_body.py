"""Reads a response's body as it comes in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp
import httpx2

Read = Callable[[], Awaitable[bytes]]


def reading(response: httpx2.Response) -> Read:
    """Returns a function that waits until there is more of the body, and returns all of that; b""
    at the end. It raises what aiohttp or httpx2 do.

    Both SDKs ask through aiohttp, with five generators between its reader and us, which cost more
    than all that is done with a token's bytes. Where that reader is not what is inside, they are
    read in the public way.
    """
    if reader := inner_reader(response):
        return reader.readany
    body = response.aiter_raw()

    async def read() -> bytes:
        return await anext(body, b"")

    return read


def inner_reader(response: httpx2.Response) -> aiohttp.StreamReader | None:
    """Returns aiohttp's reader of the body, if the response is as the SDKs make it today."""
    sent = getattr(response.stream, "_stream", None)  # without httpx2's clock around it
    content = getattr(getattr(sent, "_aiohttp_response", None), "content", None)
    return content if isinstance(content, aiohttp.StreamReader) else None
