"""The events of a conversation or a run, as a stream.

Served by `streams.asgi` before Django's handler, where `streams.urls` has them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
import psycopg

from streams import log
from streams.exceptions import Forbidden, MethodNotAllowed, StreamsError, Unavailable
from streams.http import csrf
from streams.realtime import sse, uvicorn_response
from streams.realtime.hub import Hub
from streams.realtime.presence import PresenceChannel
from streams.realtime.subscription import PARTING, Subscription
from streams.user_model import key_text

from .authorisation import authorise
from .stream_authentication import OWNED
from .stream_request import Moved, Request

KNOWN_WITHIN = 5.0  # seconds, in a process that has just begun


Opener = Callable[[Hub, Request, str], Awaitable["Subscription | None"]]


async def respond(
    opener: Opener, hub: Hub, uuid: str, scope: Mapping[str, Any], receive: Any, send: Any
) -> None:
    """Answers with the stream, with 204 when a run has nothing left to say, or with a JSON
    error.
    """
    try:
        request = Request.of(scope)
        request.check(scope["method"])
        async with asyncio.timeout(KNOWN_WITHIN):
            await hub.known.wait()
        stream = await opener(hub, request, uuid)
    except StreamsError as error:
        await refuse(send, error)
    except (psycopg.OperationalError, TimeoutError):
        await refuse(send, Unavailable("The database is away for a moment. Try again."))
    else:
        if stream is None:
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            retry = sse.retry(hub.conf.retry_ms)
            await follow(hub, stream, receive, send, headers=sse.HEADERS, opening=retry)


async def follow(
    hub: Hub,
    stream: Subscription,
    receive: Any,
    send: Any,
    *,
    headers: Sequence[tuple[bytes, bytes]],
    opening: bytes,
    breaks_off: bool = False,
) -> None:
    """Sends the stream until it ends. `breaks_off` tells a client that has no word for a server
    that is going: without the end of its response it takes the stream for a cut one."""
    leaving = asyncio.create_task(left(stream, receive))
    stream.hang_up = uvicorn_response.way_to_hang_up(send)
    stream.outlet = uvicorn_response.outlet(send)
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send_body(send, opening)
        async for data in stream.frames():
            if stream.outlet:
                stream.outlet.note_disconnect()
            await send_body(send, data)
        if stream.end and breaks_off and uvicorn_response.break_off(send):
            await asyncio.wait([leaving], timeout=PARTING)
        else:
            await send_body(send, b"", more=False)
    finally:
        hub.leave(stream)
        leaving.cancel()


async def left(stream: Subscription, receive: Any) -> None:
    """Waits for the client to leave, then ends its stream and nothing else."""
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.finish(b"")


async def send_body(send: Any, body: bytes, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def refuse(send: Any, error: StreamsError) -> None:
    """Answers with an error as JSON, with its status and the headers that belong to it."""
    body = orjson.dumps(error_body(error))
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"content-length", str(len(body)).encode()),
    ]
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", error.allowed.encode()))
    if isinstance(error, Forbidden) and error.token:
        headers.append((csrf.HEADER.lower().encode(), error.token.encode()))
    if isinstance(error, Moved):
        headers.append((b"location", error.place.encode("latin-1")))
    if error.retry_after:
        headers.append((b"retry-after", str(error.retry_after).encode()))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send_body(send, body, more=False)


def error_body(error: StreamsError) -> dict[str, Any]:
    told = {"code": error.code, "message": error.message}
    return {"error": told | ({"field": error.field} if error.field else {})}


async def open_conversation(hub: Hub, request: Request, uuid: str) -> Subscription | None:
    """Returns the stream of a conversation, with presence and, with `?feed=1`, the person's list.
    Raises what `authorise` does.
    """
    found = await authorise(hub, request, uuid, *OWNED)
    device, (conversation_id, head) = found.device, found.more
    stream = hub.join(conversation_id, device, head=head, cursor=request.cursor)
    stream.side_channels.append(PresenceChannel(hub.presence, conversation_id))
    if request.query.get("feed") == ["1"]:
        stream.side_channels.append(hub.feeds.follow(key_text(device.user_id), stream))
    return stream


async def open_feed(hub: Hub, request: Request, uuid: str) -> Subscription | None:
    """Returns the stream of a person's list of conversations. Raises what `authorise` does."""
    device = (await authorise(hub, request, uuid, "d.user_id", "")).device
    response = hub.join_alone(device)
    response.side_channels.append(hub.feeds.follow(key_text(device.user_id), response))
    return response


async def open_run(hub: Hub, request: Request, uuid: str) -> Subscription | None:
    """Returns the stream of one run, or None if the client has seen its end already. Raises what
    `authorise` does.
    """
    found = await authorise(
        hub,
        request,
        uuid,
        f"c.id, c.last_seq, r.id, r.uuid::text, {log.LAST_SEQ}",
        # As one: for someone else's run no more is looked up than for none at all.
        "LEFT JOIN (streams_run r JOIN streams_conversation c ON c.id = r.conversation_id)"
        " ON r.uuid = {uuid} AND c.owner_id = d.user_id AND c.deleted_at IS NULL",
    )
    conversation_id, head, *run, ended = found.more
    if ended is not None and ended <= request.cursor <= head:
        return None
    known = {"head": head, "cursor": request.cursor, "run": log.OneRun(*run)}
    return hub.join(conversation_id, found.device, **known)
