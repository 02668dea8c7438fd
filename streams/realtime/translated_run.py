"""One run's events in the words of another protocol, as a stream or as one response at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from .. import log
from ..exceptions import NotSignedIn, StreamsError, Unavailable
from ..log import TERMINAL, StoredEvent
from ..log.transcript import Row
from ..user_model import password
from . import sse
from .endpoints import KNOWN_WITHIN, follow, left, send_body
from .log_subscription import LogSubscription
from .shared_history import CatchUp

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from ..models import Device
    from .hub import Hub

HEARTBEAT = b": \n\n"  # a comment, which every client skips

Header = tuple[bytes, bytes]


class Encoder(Protocol):
    """Says a run's events in another protocol. It is given all of them, from the run's first one
    on, each once and in order, and keeps what it has to remember.

    The stream ends with the run, or once the encoder says `over = True`, which it need not know: a
    client that has to be asked something may wait for the end.
    """

    def begin(self) -> bytes:
        """Returns what is sent at once, before anything is known of the run."""
        ...

    def event(self, row: Row) -> bytes:
        """Returns what one event is in the protocol; the last is the run's terminal one. Raises
        StreamsError where a run's end is an error, if nothing has been sent yet."""
        ...


@dataclass(frozen=True, slots=True)
class Following:
    """What is to be sent to whom. `refusal` is an error's body in the protocol's own shape.

    `streams` tells a stream from one response that comes when the run has ended: then the frames
    are a JSON document.
    """

    user: AbstractBaseUser
    device: Device
    conversation_id: int
    run: log.OneRun
    cursor: int  # before the run's first event
    head: int
    encoder: Encoder
    refusal: Callable[[StreamsError], dict[str, Any]]
    headers: Sequence[Header] = ()
    streams: bool = True


async def respond(
    hub: Hub, following: Following, headers: Sequence[Header], receive: Any, send: Any
) -> None:
    """Sends what is followed; `headers` are those of the site's own middleware."""
    headers = [*headers, *following.headers]
    try:
        stream = await join(hub, following)
    except StreamsError as error:
        await refuse(send, following, error, headers)
        return
    if following.streams:
        sent = *sse.HEADERS, *headers
        await follow(hub, stream, receive, send, headers=sent, opening=b"", breaks_off=True)
        return
    leaving = asyncio.create_task(left(stream, receive))
    try:
        await respond_whole(stream, following, headers, send)
    except StreamsError as error:
        await refuse(send, following, error, headers)
    finally:
        hub.leave(stream)
        leaving.cancel()


async def join(hub: Hub, following: Following) -> LogSubscription:
    """Raises NotSignedIn for a device that was revoked since it was asked about, TooManyStreams,
    and Unavailable while the database is away in a process that has just begun."""
    try:
        async with asyncio.timeout(KNOWN_WITHIN):
            await hub.known.wait()
    except TimeoutError as error:
        raise Unavailable("The database is away for a moment. Try again.") from error
    if not hub.revocations.admits(following.device, password(following.user)):
        raise NotSignedIn("Sign in first.")
    kind = partial(TranslatedSubscription, encoder=following.encoder, streams=following.streams)
    return hub.join(
        following.conversation_id,
        following.device,
        head=following.head,
        cursor=following.cursor,
        run=following.run,
        kind=kind,
    )


async def respond_whole(
    stream: LogSubscription, following: Following, headers: Sequence[Header], send: Any
) -> None:
    body = b"".join([data async for data in stream.frames()])
    if stream.end:  # the server is going, or the client may not read any more
        await refuse(send, following, Unavailable("This was cut short. Ask again."), headers)
        return
    await send_json(send, 200, body, headers)


async def refuse(
    send: Any, following: Following, error: StreamsError, headers: Sequence[Header]
) -> None:
    if error.retry_after:
        headers = [*headers, (b"retry-after", str(error.retry_after).encode())]
    await send_json(send, error.status, orjson.dumps(following.refusal(error)), headers)


async def send_json(send: Any, status: int, body: bytes, headers: Sequence[Header]) -> None:
    own = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send_body(send, body, more=False)


class TranslatedSubscription(LogSubscription):
    """Sends all events of one run through an encoder, none of them rolled up."""

    __slots__ = ("_encoder", "_said", "_streams")

    def __init__(self, *args: Any, encoder: Encoder, streams: bool, **named: Any) -> None:
        super().__init__(*args, **named)
        self._encoder = encoder
        self._streams = streams
        self._said: dict[int, int] = {}  # characters of each block

    async def frames(self) -> AsyncGenerator[bytes, None]:
        if first := self._encoder.begin():
            yield first
        async for data in super().frames():
            if data != self.end:  # a cut says nothing: the client comes back
                yield data

    def _sync(self) -> bytes:
        return b""

    def _ping(self) -> bytes:
        return HEARTBEAT if self._streams and super()._ping() else b""

    def _is_behind(self) -> bool:
        return not self.buffer.holds(self.cursor)

    def _from_buffer(self) -> bytes:
        assert self.run is not None
        cursor, self.cursor = self.cursor, max(self.cursor, self.buffer.head)
        return self._translated(self.buffer.rows_of_run(cursor, self.run.id))

    async def _read(self) -> CatchUp:
        return await self._page(self.cursor)  # nobody else's

    async def _history(self, after: int, most: int | None) -> tuple[list[StoredEvent], bool]:
        assert self.run is not None
        read = partial(log.run_page, run_id=self.run.id)
        return await self._hub.catch_up(self.buffer.conversation_id, after, most, read)

    def _encoded(self, rows: list[StoredEvent]) -> bytes:
        return self._translated([Row(row.seq, row.type, orjson.loads(row.data)) for row in rows])

    def _translated(self, rows: list[Row]) -> bytes:
        encoder, said = self._encoder, []
        for row in rows:
            said.append(encoder.event(self._unsaid(row)))
            if row.type in TERMINAL or getattr(encoder, "over", False):
                self.end = b""
                break
        return b"".join(said)

    def _unsaid(self, row: Row) -> Row:
        """Returns the event without text that has been sent: a block that was compacted meanwhile
        comes as one delta from its beginning."""
        type, data = row.type, row.data
        if type == "run.started":
            self._said = {}
        elif type == "block.delta":
            at, text = data["index"], data["text"]
            said = self._said.get(at, 0)
            if "from" in data:
                text = text[said:]
                row = row._replace(data={**data, "text": text})
            self._said[at] = said + len(text)
        return row
