"""One open response of a device: what it is sent beside a log, and a future to wait on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Protocol

from . import sse

if TYPE_CHECKING:
    from ..models import Device
    from .hub import Hub
    from .revocation import Admission
    from .uvicorn_response import Outlet

# Seconds that a client gets to read what is left once its stream has to end. One that has
# stopped reading would otherwise keep the server from shutting down.
PARTING = 1.0


class SideChannel(Protocol):
    """A source of frames without a number, sent beside the log: presence, the live list."""

    def news(self) -> bytes:
        """Returns the frames that this response has not been sent yet."""
        ...

    def leave(self) -> None:
        """Lets go of what it holds for this response, which has ended."""
        ...


class Subscription:
    """One open response of one device: it sleeps until it is woken, and ends with a last frame.

    This base sends its side channels alone, which is what a page without a conversation needs.
    """

    __slots__ = (
        "_hub",
        "_waiter",
        "admission",
        "conversation_id",
        "device_id",
        "end",
        "hang_up",
        "last_sent",
        "outlet",
        "side_channels",
        "user_id",
    )  # fmt: skip

    def __init__(self, hub: Hub, device: Device) -> None:
        self._hub = hub
        self._waiter: asyncio.Future[None] | None = None
        self.admission: Admission | None = None
        self.side_channels: list[SideChannel] = []
        self.conversation_id: int | None = None
        self.device_id = device.pk
        self.user_id = device.user_id
        self.last_sent = hub.now
        self.hang_up: Callable[[], None] | None = None
        self.outlet: Outlet | None = None
        self.end: bytes | None = None

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def finish(self, last: bytes) -> None:
        """Ends the response after one last frame: bye, gone, or none if the client has left. One
        that has come to its end needs no such word, but may be unread all the same."""
        if last and not self.end and self.hang_up:
            asyncio.get_running_loop().call_later(PARTING, self.hang_up)
        if self.end is None:
            self.end = last
        self.wake()

    async def frames(self) -> AsyncGenerator[bytes, None]:
        yield sse.unnumbered("sync", head=0, epoch=self._hub.epoch)
        while self.end is None:
            if data := self._news() or await self._wait():
                self.last_sent = self._hub.now
                yield data
        if self.end:
            yield self.end

    def _news(self) -> bytes:
        return b"".join(side_channel.news() for side_channel in self.side_channels)

    def _is_live(self) -> bool:
        return True

    async def _wait(self) -> bytes:
        """Sleeps until woken; returns a ping if nothing has been sent for `conf.ping` seconds."""
        await self._woken()
        return self._ping() if self._is_live() else b""

    async def _woken(self, *or_done: asyncio.Future[Any]) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        if or_done:
            either: set[asyncio.Future[Any]] = {self._waiter, *or_done}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        else:
            await self._waiter
        self._waiter = None

    def _ping(self) -> bytes:
        quiet = self._hub.now - self.last_sent >= self._hub.conf.ping
        return sse.PING if quiet and self.end is None else b""
