"""Bounds a request's size before anything is done with it, and before anybody is identified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings

from ..conf import Settings, conf
from . import client_connections, uploads
from .signed_credentials import has_signed_in

Scope = Mapping[str, Any]

# Bytes of all headers of a name together; browsers send a tenth. To read parameters in quotes
# takes the square of their length, and each sort that is accepted is an object.
LONGEST = {b"content-type": 1024, b"accept": 1024}
TOO_LONG = {
    413: "That is too long to send.",
    431: "The headers of this request are too long.",
}


class WithBounds:
    """An ASGI application that answers 431 to oversized headers and 413 to oversized bodies, and
    passes everything else to `app`.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.conf = conf()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            client_connections.bound(receive, self.conf)
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif head_too_long(scope, self.conf):
            await refuse(scope, send, 431)
        elif not may_have_body(scope):
            await self.app(scope, receive, send)
        else:
            await self.answer(scope, receive, send)

    async def answer(self, scope: Scope, receive: Any, send: Any) -> None:
        body = Body(scope, receive, self.conf)
        if body.is_too_long(body.announced):
            await refuse(scope, send, 413)
            return
        answered = False

        async def noted(message: Any) -> None:
            nonlocal answered
            answered = True
            await send(message)

        # A stream that has to hang up looks behind `send` for the connection.
        noted.__self__ = getattr(send, "__self__", None)  # type: ignore[attr-defined]
        await self.app(scope, body.receive, noted)
        if body.broken_off and not answered:
            await refuse(scope, send, 413)


def may_have_body(scope: Scope) -> bool:
    """Tells whether the request may have a body; in HTTP/1 a header says so."""
    names = {name for name, _ in scope["headers"]}
    early = scope.get("http_version", "1.1").startswith("1.")
    return not early or bool(names & {b"content-length", b"transfer-encoding"})


def head_too_long(scope: Scope, conf: Settings) -> bool:
    """Tells whether the address and headers exceed their bound."""
    size = len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
    left = dict(LONGEST)
    for name, value in scope["headers"]:
        size += len(name) + len(value) + 4  # and a colon, a space, the end of the line
        if name in left:
            left[name] -= len(value)
    return size > conf.head_bytes or min(left.values()) < 0


class Body:
    """Receives a body as it arrives. Beyond its bound the application is told that the client has
    gone, since nothing more will be passed on.
    """

    def __init__(self, scope: Scope, receive: Any, conf: Settings) -> None:
        self.scope = scope
        self.conf = conf
        self.received = 0
        self.broken_off = False
        self._receive = receive
        self._known: bool | None = None
        self._files: int | None = None  # bytes of files it may bring

    @property
    def announced(self) -> int:
        length = next((v for k, v in self.scope["headers"] if k == b"content-length"), b"")
        return int(length) if length.isdigit() and len(length) < 20 else 0

    async def receive(self) -> Any:
        if self.broken_off:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self.received += len(message.get("body") or b"")
        self.broken_off = self.is_too_long(self.received)
        return {"type": "http.disconnect"} if self.broken_off else message

    def is_too_long(self, size: int) -> bool:
        """A stranger has nothing long to say: who they are, or a code."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if most is None or size <= self.conf.stranger_bytes:
            return False
        if size > most and self._files is None:
            self._files = uploads.most_bytes(self.scope)
        return size > max(most, self._files or 0) or not self.is_known()

    def is_known(self) -> bool:
        if self._known is None:
            self._known = has_signed_in(self.scope)
        return self._known


async def refuse(scope: Scope, send: Any, status: int) -> None:
    """JSON to a program, and a sentence to a person. The connection stays: closed under a client
    that still sends, it would take the answer along."""
    message = TOO_LONG[status]
    accepted = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    if b"text/html" in accepted[:100]:
        kind, body = b"text/plain; charset=utf-8", message.encode()
    else:
        kind = b"application/json"
        body = orjson.dumps({"error": {"code": "too_large", "message": message}})
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
