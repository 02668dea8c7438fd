"""Adds to streams what django-cors-headers adds to everything else, if the site uses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from .handler import Request

MIDDLEWARE = "corsheaders.middleware.CorsMiddleware"

Send = Callable[[Any], Awaitable[None]]


def sharing(scope: Mapping[str, Any], send: Send) -> Send:
    """Returns a `send` that tells a browser which foreign page may read the response, by the site's
    CORS settings; `send` itself for requests of the site's own pages and of programs.
    """
    if MIDDLEWARE not in settings.MIDDLEWARE or not has(scope, b"origin"):
        return send
    added = headers_for(scope)

    async def share(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    # A stream that has to hang up looks behind `send` for the connection.
    share.__self__ = getattr(send, "__self__", None)  # type: ignore[attr-defined]
    return share


def is_preflight(scope: Mapping[str, Any]) -> bool:
    """Tells whether a browser asks what a foreign page may do, which the site's middleware says."""
    return scope["method"] == "OPTIONS" and has(scope, b"access-control-request-method")


def has(scope: Mapping[str, Any], header: bytes) -> bool:
    return any(name == header for name, _ in scope["headers"])


def headers_for(scope: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    from corsheaders.middleware import CorsMiddleware

    response = HttpResponse()
    before = set(response.headers)
    request = Request(dict(scope), BytesIO())
    CorsMiddleware(lambda request: response).add_response_headers(request, response)
    added = ((name, text) for name, text in response.headers.items() if name not in before)
    return [(name.lower().encode(), text.encode("latin-1")) for name, text in added]
