"""Bounds each connection of uvicorn's server in time and size until its request has arrived.

uvicorn buffers headers without limit and waits for the rest of a request for ever. No application
can prevent that, since it is called only once the headers are complete.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import orjson

from ..conf import Settings
from . import uploads
from .signed_credentials import has_signed_in

logger = logging.getLogger(__name__)

LINGER = 2.0  # seconds in which a client that still sends may read what it was told
REASONS = {408: "Request Timeout", 431: "Request Header Fields Too Large"}
TOLD = {
    408: ("timeout", "The request did not arrive in time."),
    431: ("too_large", "The headers of this request are too long."),
}


def bound(receive: Any, conf: Settings) -> None:
    """Bounds all connections of the uvicorn whose lifespan this is (`uvicorn`, or gunicorn with
    `uvicorn-worker`). Other servers have bounds of their own.
    """
    config: Any = getattr(getattr(receive, "__self__", None), "config", None)
    protocol = getattr(config, "http_protocol_class", None)
    if protocol is None:
        return
    if stages := stages_of(protocol):
        config.http_protocol_class = bounded(protocol, stages, conf)
    else:
        logger.warning("Half-sent requests are not bounded under %s.", protocol.__name__)


def bounded(protocol: type, stages: type, conf: Settings) -> type:
    return type(f"Bounded{protocol.__name__}", (stages, protocol), {"conf": conf})


def stages_of(protocol: type) -> type[Bounded] | None:
    for parser, stages in {"HttpToolsProtocol": ByCallbacks, "H11Protocol": ByStates}.items():
        if parser in {each.__name__ for each in protocol.__mro__}:
            return stages
    return None


class Bounded(asyncio.Protocol):
    """Ends a connection whose request does not end; mixed in before a protocol of uvicorn's.

    `stage` is the part of the newest request that has arrived: None before the first, then "head",
    "body" or "whole".
    """

    conf: Settings
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    cycle: Any  # of uvicorn: the newest request whose headers are there, and its answer
    timeout_keep_alive: float
    timeout_keep_alive_task: asyncio.TimerHandle | None
    timeout_keep_alive_handler: Callable[[], None]

    @property
    def stage(self) -> str | None:
        raise NotImplementedError

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.begun = self.loop.time()
        self.head = 0
        self.refused = False
        self.clock: asyncio.TimerHandle | None = None
        self.look()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.clock:
            self.clock.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.refused:
            return
        before, cycle = self.stage, self.cycle
        super().data_received(data)
        stage = self.stage
        if stage != before and before != "head":
            self.begun, self.head = self.loop.time(), 0
        if stage == "head":
            # Of a read in which another request ended, nobody knows how much is of this one.
            self.head += len(data) if before != "body" and self.cycle is cycle else 0
            if self.head > self.conf.head_bytes:
                self.refuse(431)
        if stage == "whole":
            self.keep_alive()
        elif self.clock is None:
            self.look()

    def keep_alive(self) -> None:
        """Whatever comes stops uvicorn's clock for idle connections, and an answer starts it:
        not what is left of a request that was answered early."""
        if self.cycle and self.cycle.response_complete and not self.timeout_keep_alive_task:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def look(self) -> None:
        """Ends a request that is late, or schedules the next look."""
        self.clock = None
        stage, gone = self.stage, self.refused or self.transport.is_closing()
        if stage == "whole" or gone or self.transport.get_protocol() is not self:
            return
        most = self.most_seconds(stage)
        left = self.begun + most - self.loop.time()
        if left > 0:
            self.clock = self.loop.call_later(left, self.look)
        else:
            self.end(stage)

    def most_seconds(self, stage: str | None) -> float:
        """Returns how long a request may take that has come this far: with files, longer."""
        if stage != "body":
            return self.conf.head_seconds
        scope = getattr(self.cycle, "scope", None)
        brings_files = scope and uploads.most_bytes(scope) and has_signed_in(scope)
        return self.conf.upload_seconds if brings_files else self.conf.request_seconds

    def end(self, stage: str | None) -> None:
        started = self.cycle and self.cycle.response_started
        complete = self.cycle and self.cycle.response_complete
        if started and not complete:
            self.transport.abort()
        elif stage is None or (stage == "body" and complete):
            self.transport.close()
        else:
            self.refuse(408)

    def refuse(self, status: int) -> None:
        """Says so, and reads no more: what still comes is thrown away for a moment, since closed
        at once the connection would take the answer along."""
        self.refused = True
        code, message = TOLD[status]
        body = orjson.dumps({"error": {"code": code, "message": message}})
        head = (
            f"HTTP/1.1 {status} {REASONS[status]}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.loop.call_later(LINGER, self.transport.abort)


class ByCallbacks(Bounded):
    """Mixed into uvicorn's HttpToolsProtocol, whose parser reports what it meets."""

    _stage: str | None = None

    @property
    def stage(self) -> str | None:
        return self._stage

    def on_message_begin(self) -> None:
        self._stage = "head"
        super().on_message_begin()  # type: ignore[misc]

    def on_headers_complete(self) -> None:
        self._stage = "body"
        super().on_headers_complete()  # type: ignore[misc]

    def on_message_complete(self) -> None:
        self._stage = "whole"
        super().on_message_complete()  # type: ignore[misc]


class ByStates(Bounded):
    """Mixed into uvicorn's H11Protocol, whose parser tells what it waits for."""

    conn: Any

    @property
    def stage(self) -> str | None:
        import h11

        if self.conn.their_state is h11.IDLE:
            if self.conn._receive_buffer:  # its public twin is a copy
                return "head"
            return "whole" if self.cycle else None
        return "body" if self.conn.their_state is h11.SEND_BODY else "whole"
