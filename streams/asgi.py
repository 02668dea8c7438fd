"""The ASGI entry of the app: serves streams before Django's request handling.

Django occupies a thread and, after one query, a database connection for the whole life of a stream.
Here a stream is one coroutine, authorised by one query on the hub's connection, by the same rules
(`streams.access`) as every other request.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings

from .conf import conf
from .early_routing import Prompt, hands_over, prompt_at, stream_at
from .http import cors
from .http.script_prefix import placed
from .http.stream_handover import HANDOVER, Handover

if TYPE_CHECKING:  # an asgi.py imports this before Django is set up, and its models are there
    from .realtime.hub import Hub
    from .starts.prompt_batches import Starts

logger = logging.getLogger(__name__)

HEARD_WITHIN = 0.2

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

made = False  # in this process, of which `manage.py check` asks


def get_asgi_application() -> WithStreams:
    """Django's own application with the streams before it, for an asgi.py that has nothing else
    around it. In DEBUG it serves static files too, as `manage.py runserver` does."""
    from django.core.asgi import get_asgi_application

    site = get_asgi_application()
    if settings.DEBUG and apps.is_installed("django.contrib.staticfiles"):
        from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

        site = ASGIStaticFilesHandler(site)
    return WithStreams(site)


class WithStreams:
    """An ASGI application: the event streams of `streams.urls` by the hub, wherever the site has
    included them, and everything else by `app`, lifespan and websockets too."""

    def __init__(self, app: App) -> None:
        global made
        made = True
        self.app = app
        self._hub: Hub | None = None
        self._starts: Starts | None = None
        self._starting = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if scope["type"] == "http":
            here, path = placed(scope)
            if (stream := stream_at(path)) and not cors.is_preflight(scope):
                respond, uuid = stream
                send = cors.sharing(here, send)
                await respond(await self._hub_here(), uuid, here, receive, send)
                return
            if prompt := prompt_at(scope, path):
                left = await self._stored(prompt, here, receive, send)
                if left is None:
                    return
                receive = left
            if self._hub:
                scope = with_presence(scope, self._hub)
            if hands_over(path):
                await self._follow(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _follow(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the stream that a view of ours has handed over, in place of the view's response."""
        handover = Handover(send)
        await self.app(scope | {HANDOVER: handover}, receive, handover.send)
        if handover.following:
            from .realtime import translated_run

            hub = await self._hub_here()
            await translated_run.respond(hub, handover.following, handover.headers, receive, send)

    async def _stored(
        self, prompt: Prompt, here: Scope, receive: Receive, send: Send
    ) -> Receive | None:
        """Returns None if the prompt is answered, or how the application receives the request."""
        from .starts.prompt_batches import Starts, may_be_taken

        await self._hub_here()
        if self._starts is None:
            if not may_be_taken():
                return receive
            self._starts = Starts()
        return await self._starts.answer(prompt.conversation, here, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The hub lives a little longer than the application, which may use it throughout."""

        async def end() -> None:
            if self._starts:
                await self._starts.close()
            if self._hub:
                await self._hub.close()

        await Lifespan(self._hub_here, end, receive, send).of(self.app, scope)

    async def _hub_here(self) -> Hub:
        """The process's hub; a server without lifespan starts it with the first stream."""
        from .realtime.hub import Hub

        async with self._starting:
            if self._hub is None:
                self._hub = Hub(conf())
                await self._hub.start()
                say_bye_on_signals(self._hub)
            return self._hub


def with_presence(scope: Scope, hub: Hub) -> Scope:
    from .realtime.presence import PRESENCE

    return scope | {PRESENCE: hub.presence}


class Lifespan:
    """Passes the server's lifespan events on to an application that may not support them, and calls
    `begin` and `end` at its start and shutdown.
    """

    def __init__(
        self,
        begin: Callable[[], Awaitable[Any]],
        end: Callable[[], Awaitable[None]],
        receive: Receive,
        send: Send,
    ) -> None:
        self._begin = begin
        self._end = end
        self._receive = receive
        self._send = send
        self._heard = self._answered = False

    async def of(self, app: App, scope: Scope) -> None:
        try:
            await app(scope, self._hear, self._tell)
        except Exception:
            if self._answered:
                raise
            # So says one that knows no lifespan, as Django's own.
        if not self._answered:
            await self._alone()

    async def _hear(self) -> Any:
        message = await self._receive()
        self._heard = True
        if message["type"] == "lifespan.startup":
            try:
                await self._begin()
            except Exception:
                self._answered = True  # as one that did not start: not for want of a lifespan
                raise
        return message

    async def _tell(self, message: Any) -> None:
        """Passes a lifespan message on to the server. Before it says that the app has shut down,
        the streams end, since the process exits then.
        """
        self._answered = True
        if message["type"] != "lifespan.startup.complete":
            await self._end()
        await self._send(message)

    async def _alone(self) -> None:
        if not self._heard:
            await self._hear()
        await self._tell({"type": "lifespan.startup.complete"})
        await self._receive()
        await self._tell({"type": "lifespan.shutdown.complete"})


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
    """Ends all streams, stops accepting connections, and calls the server's own handler a little
    later: uvicorn would close a connection whose request has not arrived, an error to its client.
    """
    hub.bye()
    for listening in getattr(getattr(then, "__self__", None), "servers", ()):
        listening.close()
    if callable(then):
        asyncio.get_running_loop().call_later(HEARD_WITHIN, then, number, None)
