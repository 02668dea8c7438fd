"""Decodes Server-Sent Events from a socket without the SDKs' own objects.

The SDKs build a validated object per event (200 µs a token); this takes a few µs. The format:
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from streams.providers.base import Code, ProviderError
from streams.providers.payload import Unreadable, mapping

LIMIT = 16 * 1024 * 1024
BOM = b"\xef\xbb\xbf"
DONE: dict[str, Any] = {"type": "[DONE]"}
HALF = re.compile(rb"\\u[dD][89a-fA-F]")


class Frames:
    """Decodes incrementally: takes bytes cut anywhere and returns the `data` of complete events.

    Other fields are ignored, since every vendor repeats the event's type in its JSON.
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._size = 0
        self._after_cr = False
        self._at_start = True

    def feed(self, received: bytes) -> list[bytes]:
        """The events that `received` completes; ProviderError for one past any reason."""
        lines = received.splitlines()
        begun = self._size or self._line or self._data or self._after_cr or self._at_start
        if not begun and received.endswith(b"\n") and (only := only_data(lines)):
            return [only]
        if self._after_cr and received.startswith(b"\n"):
            received, self._after_cr = received[1:], False
            del lines[0]
        if not received:
            return []
        self._after_cr = received.endswith(b"\r")
        rest = b"" if received.endswith((b"\r", b"\n")) else lines.pop()
        events = []
        for line in lines:
            if self._line:
                line = b"".join((*self._line, line))
                self._line.clear()
            if (data := self._take(line)) is not None:
                events.append(data)
        self._keep(rest)
        return events

    def _take(self, line: bytes) -> bytes | None:
        if self._at_start:
            self._at_start, line = False, line.removeprefix(BOM)
        if not line:
            return self._event()
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value[1:] if value.startswith(b" ") else value)
            self._size += len(value) + 1  # an empty line is kept too
        return None

    def _event(self) -> bytes | None:
        self._size = 0
        if not self._data:
            return None
        data = b"\n".join(self._data)
        self._data.clear()
        return data

    def _keep(self, rest: bytes) -> None:
        if rest:
            self._line.append(rest)
        # Counted as it comes, so that a server which never ends a line cannot fill the memory.
        self._size += len(rest)
        if self._size > LIMIT:
            raise ProviderError(Code.PROTOCOL, why=f"an event of more than {LIMIT} bytes")


def only_data(lines: list[bytes]) -> bytes:
    """Returns the data of lines that are one whole event as vendors send most of them; b"" for any
    others.
    """
    at = 1 if lines and lines[0].startswith(b"event:") else 0
    if len(lines) == at + 2 and not lines[-1] and lines[at].startswith(b"data: "):
        return lines[at][6:]
    return b""


def parse(data: bytes) -> dict[str, Any]:
    """One event's JSON object, empty for null or nothing; Unreadable when it is none."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if data == b"[DONE]":
            return DONE
        if not data.strip():
            return {}
        if not HALF.search(data):
            raise Unreadable from error
        document = parse_halves(data)
    return mapping(document)


def parse_halves(data: bytes) -> Any:
    """JSON with half a surrogate pair in it, which orjson refuses and vendors do send."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable from error
