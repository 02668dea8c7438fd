"""What a request and its answer are in ASGI's messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.http import HttpResponse

Receive = Callable[[], Awaitable[Any]]


async def body_of(receive: Receive, heard: list[Any], longest: int) -> bytes | None:
    """Receives a body and keeps the messages it came in; None if it broke off or is longer."""
    body = b""
    while True:
        message: dict[str, Any] = await receive()
        heard.append(message)
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > longest:
            return None
        if not message.get("more_body"):
            return bytes(body)


def replay(heard: list[Any], receive: Receive) -> Receive:
    """Returns a `receive` that begins with the messages heard already."""
    again = iter(heard)

    async def received() -> Any:
        for message in again:
            return message
        return await receive()

    return received


async def say(send: Any, response: HttpResponse) -> None:
    """Sends a response as Django's handler does."""
    headers = [(name.encode("ascii"), text.encode("latin-1")) for name, text in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
