"""The streams' own way in, before Django's request handling.

Django gives every streaming request a thread and, after one query, a database connection
for the whole life of the stream. Here a stream is one coroutine, authorised by one query on
the hub's connection, by the same rules (`streams.access`) as every other request.
"""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from .conf import conf
from .http.script_prefix import placed
from .realtime import endpoints, presence_endpoint
from .realtime.hub import Hub
from .realtime.presence import PRESENCE

logger = logging.getLogger(__name__)

HEARD_WITHIN = 0.2

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

UUID = r"(?P<uuid>[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})"
Respond = Callable[[Hub, str, Scope, Receive, Send], Awaitable[None]]
ROUTES: list[tuple[re.Pattern[str], Respond]] = [
    (re.compile(rf"/c/{UUID}/events"), partial(endpoints.respond, endpoints.open_conversation)),
    (re.compile(rf"/c/{UUID}/presence"), presence_endpoint.respond),
    (re.compile(r"/c/events(?P<uuid>)"), partial(endpoints.respond, endpoints.open_feed)),
    (re.compile(rf"/runs/{UUID}/events"), partial(endpoints.respond, endpoints.open_run)),
]


class WithStreams:
    """An ASGI application: event streams by the hub, everything else by `app`."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._hub: Hub | None = None
        self._starting = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] == "http":
            scope, path = placed(scope)
            for pattern, respond in ROUTES:
                if match := pattern.fullmatch(path):
                    hub = await self._hub_here()
                    await respond(hub, match["uuid"], scope, receive, send)
                    return
            if self._hub:
                scope[PRESENCE] = self._hub.presence
        await self.app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._hub_here()
                await send({"type": "lifespan.startup.complete"})
            else:
                if self._hub:
                    await self._hub.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _hub_here(self) -> Hub:
        """The process's hub; a server without lifespan starts it with the first stream."""
        async with self._starting:
            if self._hub is None:
                self._hub = Hub(conf())
                await self._hub.start()
                say_bye_on_signals(self._hub)
            return self._hub


def say_bye_on_signals(hub: Hub) -> None:
    """A server waits for open responses before it exits, and streams never end: so they
    hear of the signal first, say bye and return, and the server's own handler goes on."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        previous = signal.getsignal(number)

        def handle(number: int, frame: Any, previous: Any = previous) -> None:
            loop.call_soon_threadsafe(leave, hub, previous, number)

        signal.signal(number, handle)


def leave(hub: Hub, then: Any, number: int) -> None:
    """uvicorn closes a connection it has accepted and not yet heard a request on, which its
    client takes for an error: so nothing more is accepted first, and what was is heard."""
    hub.bye()
    for listening in getattr(getattr(then, "__self__", None), "servers", ()):
        listening.close()
    if callable(then):
        asyncio.get_running_loop().call_later(HEARD_WITHIN, then, number, None)
