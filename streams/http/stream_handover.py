"""Hands a response over from a view of Django to the hub.

A view that has found or begun a run says what is to be followed; the hub then sends that in place
of the view's empty response. So all of the site's middleware sees the request, and none of it, no
thread and no database connection waits for the end of the stream.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streams.realtime.translated_run import Following

HANDOVER = "streams.handover"

Header = tuple[bytes, bytes]

# Of the empty response alone.
REPLACED = {b"content-type", b"content-length", b"content-encoding", b"cache-control", b"etag"}


class Handover:
    """Stands between a request's application and its `send`, and keeps back the response of a view
    that has set `following`; of that only the headers are used."""

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        self.following: Following | None = None
        self.headers: list[Header] = []
        self._send = send

    async def send(self, message: Any) -> None:
        if self.following is None:
            await self._send(message)
        elif message["type"] == "http.response.start":
            await self._keep(message)

    async def _keep(self, message: Any) -> None:
        if message["status"] != 200:  # refused after all, by a middleware
            self.following = None
            await self._send(message)
            return
        self.headers = [it for it in message["headers"] if it[0].lower() not in REPLACED]
