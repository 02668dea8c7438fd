"""Keeps the HTML of whole texts, found by what they say: an ended answer is formatted once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

EACH = 200  # bytes of key and places, which are most of what a short answer takes


class RenderCache:
    """HTML by text, the least recently used dropped first; bounded in characters of HTML
    and `EACH` for every text."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[bytes, str] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, text: str) -> str | None:
        key = digest(text)
        with self._lock:
            html = self._kept.get(key)
            if html is not None:
                self._kept.move_to_end(key)
            return html

    def keep(self, text: str, html: str) -> None:
        """Keeps a text's HTML, unless it would take a quarter of the room: one answer must not push
        out all others.
        """
        if size(html) > self._most // 4:
            return
        key = digest(text)
        with self._lock:
            if (before := self._kept.pop(key, None)) is not None:
                self._size -= size(before)
            self._kept[key] = html
            self._size += size(html)
            while self._size > self._most:
                _, dropped = self._kept.popitem(last=False)
                self._size -= size(dropped)


def size(html: str) -> int:
    return EACH + len(html)


def digest(text: str) -> bytes:
    """A key of few bytes: texts are long, and nobody can make up two with the same."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
