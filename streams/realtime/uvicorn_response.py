"""What uvicorn's responses can do beyond ASGI. Other servers' cannot, and are not asked to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any


class Outlet:
    """Sends parts of a response's body at once, outside of its task: for a word or two a task's
    turn costs more than sending them. uvicorn's `send` waits for nothing but a full buffer.
    """

    __slots__ = ("_flow", "_protocol", "_response", "_send", "_transport")

    def __init__(self, send: Any, response: Any) -> None:
        self._send = send
        self._response = response
        self._flow = response.flow
        self._transport = response.transport
        self._protocol = self._transport.get_protocol()

    @property
    def is_free(self) -> bool:
        """Tells whether the client is there and has read enough for more to be sent."""
        return not (self._flow.write_paused or self._is_lost())

    def note_disconnect(self) -> None:
        """Tells the response of a connection that is lost. Of several requests that came at once,
        uvicorn tells the newest alone, and the others would be sent words for ever."""
        if self._is_lost():
            self._response.disconnected = True
            self._response.message_event.set()

    def _is_lost(self) -> bool:
        """Tells whether the connection is closed, or a websocket's since its client asked for one
        before this response had ended: then nobody is told that it is full."""
        closed = self._transport.is_closing()
        return closed or self._transport.get_protocol() is not self._protocol

    def send(self, body: bytes) -> None:
        """Sends what has to be sent only while `is_free`. Raises what the server does."""
        sending = self._send({"type": "http.response.body", "body": body, "more_body": True})
        try:
            sending.send(None)
        except StopIteration:
            return
        # It waits after all, and this part may be lost: cut off, the client asks for it again.
        sending.close()
        self._transport.abort()


def outlet(send: Any) -> Outlet | None:
    """Returns None on servers whose responses are not built as uvicorn's are."""
    response = getattr(send, "__self__", None)
    flow = getattr(response, "flow", None)
    transport = getattr(response, "transport", None)
    known = hasattr(flow, "write_paused") and hasattr(transport, "abort")
    return Outlet(send, response) if known and hasattr(response, "message_event") else None


def way_to_hang_up(send: Any) -> Callable[[], None] | None:
    """Returns a function that drops what the client has not read; it uses uvicorn's transport,
    since ASGI has no message for it. None on other servers.
    """
    answer = getattr(send, "__self__", None)
    transport = getattr(answer, "transport", None)
    return partial(hang_up, answer, transport) if hasattr(transport, "abort") else None


def break_off(send: Any) -> bool:
    """Closes the connection once what was sent has left, without ending the response. Returns False
    on a server that shows no way."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        return False
    transport.close()
    return True


def hang_up(answer: Any, transport: Any) -> None:
    """Aborts the connection, unless it has moved on to another request: a proxy reuses connections,
    and the next response on it may be somebody else's.
    """
    newest = getattr(transport.get_protocol(), "cycle", None)
    here = newest is answer or not getattr(answer, "response_complete", False)
    if here and transport.get_write_buffer_size():
        transport.abort()
