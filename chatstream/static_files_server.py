"""Answers requests for static files before Django's handler.

A page asks for some sixty files, and for each of them Django's handler would change threads twice
and run all middleware. Here MIDDLEWARE as far as WhiteNoise's runs where the request arrives. None
of it needs a database or a body, and what it says stays the same: redirects to TLS, security
headers, conditional requests, ranges.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from streams.http.handler import Request
from streams.http.script_prefix import placed

App = Callable[[Any, Any, Any], Awaitable[None]]
GetResponse = Callable[[HttpRequest], HttpResponseBase]

WHITENOISE = "whitenoise.middleware.WhiteNoiseMiddleware"
PIECE = 65_536  # bytes of a file in memory at once
NOT_FOUND = HttpResponse(status=404)


class WithStaticFiles:
    """An ASGI application that answers what is below STATIC_URL and passes everything else to
    `app`, including whatever is not found or cannot be answered: `app` words those errors."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.prefix = f"/{settings.STATIC_URL.strip('/')}/"
        self.get_response = middleware_as_far_as(WHITENOISE)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        response = self.answer(scope) if scope["type"] == "http" else None
        if response is None:
            await self.app(scope, receive, send)
        else:
            await send_response(response, send)

    def answer(self, scope: Any) -> HttpResponseBase | None:
        here, path = placed(scope)
        if not path.startswith(self.prefix):
            return None
        try:
            response = self.get_response(Request(here, BytesIO()))
        except Exception:  # a host that is not ours, a header that cannot be read
            return None
        return None if response is NOT_FOUND else response


def middleware_as_far_as(last: str) -> GetResponse:
    """Returns those of settings.MIDDLEWARE up to and including `last`, around NOT_FOUND. Without
    `last` another server has the files, and nothing is ever found here."""
    names = settings.MIDDLEWARE
    get_response: GetResponse = not_found
    for name in reversed(names[: names.index(last) + 1] if last in names else []):
        try:
            get_response = import_string(name)(get_response)
        except MiddlewareNotUsed:
            continue
    return get_response


def not_found(request: HttpRequest) -> HttpResponse:
    return NOT_FOUND


async def send_response(response: Any, send: Any) -> None:
    """Sends a response whose body is a file, bytes, or nothing. A file is read no faster than the
    client takes it."""
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.items()]
    start = {"type": "http.response.start", "status": response.status_code, "headers": headers}
    await send(start)
    if file := getattr(response, "file_to_stream", None):
        with file:
            while piece := file.read(PIECE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    body = b"" if response.streaming else response.content
    await send({"type": "http.response.body", "body": body})
