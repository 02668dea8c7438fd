"""`/c/<uuid>/presence`: this device has the conversation open.

Served by `streams.asgi`, as streams are: every visible page says it every few seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import orjson
import psycopg
from django.conf import settings
from django.middleware.csrf import CSRF_SESSION_KEY

from streams import access_tokens
from streams.access import SignedIn
from streams.authentication import check_may_act
from streams.exceptions import BadRequest, Forbidden, Invalid, StreamsError, Unavailable
from streams.http import csrf
from streams.http.handler import Request as DjangoRequest
from streams.realtime.hub import Hub
from streams.realtime.presence import Beat

from .authorisation import authorise
from .endpoints import refuse
from .stream_authentication import OWNED
from .stream_request import Request

LONGEST = 1000


async def respond(hub: Hub, uuid: str, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
    """Answers a device that says whether it has the conversation open, and whether it types:
    204.
    """
    try:
        request = Request.of(scope)
        request.check(scope["method"], "POST")
        said = told(await body_of(receive))
        found = await authorise(hub, request, uuid, *OWNED)
        if access_tokens.bearer(request.headers.get("authorization")):
            check_may_act(found.device, "POST")
        else:
            from_our_page(scope, found)
    except StreamsError as error:
        await refuse(send, error)
    except psycopg.OperationalError:
        await refuse(send, Unavailable("The database is away for a moment. Try again."))
    else:
        device = found.device
        hub.presence.say(
            Beat(
                found.more[0],
                str(device.uuid),
                device.name,
                device.kind,
                typing=said["typing"] and said["here"],
                leaving=not said["here"],
            )
        )
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def from_our_page(scope: Mapping[str, Any], found: SignedIn) -> None:
    """Raises Forbidden as Django's own check does, wherever the site keeps its tokens."""
    request = DjangoRequest(scope, BytesIO())
    request.session = found.session  # type: ignore[assignment]
    try:
        csrf.check(request, by_cookies=not found.by_site)
    except Forbidden as refusal:
        in_session = settings.CSRF_USE_SESSIONS and CSRF_SESSION_KEY in found.session
        if not in_session and settings.CSRF_COOKIE_NAME not in request.COOKIES:
            refusal.token = ""  # of a new secret, which only a view of Django's can keep
        raise


async def body_of(receive: Any) -> bytes:
    body = b""
    while True:
        message: dict[str, Any] = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("The request broke off.")
        body += message.get("body", b"")
        if len(body) > LONGEST:
            raise BadRequest("That is too long to send.")
        if not message.get("more_body"):
            return bytes(body)


def told(body: bytes) -> dict[str, bool]:
    try:
        given = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadRequest("This is not JSON.") from error
    if not isinstance(given, dict):
        raise Invalid("Send a JSON object.")
    known = {"typing": False, "here": True}
    for name, value in given.items():
        if name not in known:
            raise Invalid(f"There is no field {name!r} here.", field=name)
        if not isinstance(value, bool):
            raise Invalid(f"{name} must be true or false.", field=name)
    return known | given
