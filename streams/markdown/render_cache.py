"""Keeps the HTML of whole texts, found by what they say: an ended answer is formatted once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict


class RenderCache:
    """HTML by text, the least recently used dropped first; bounded in characters of HTML."""

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
        """Nothing where it would take a quarter of the room: one answer must not push out all."""
        if len(html) > self._most // 4:
            return
        key = digest(text)
        with self._lock:
            self._size += len(html) - len(self._kept.pop(key, ""))
            self._kept[key] = html
            while self._size > self._most:
                _, dropped = self._kept.popitem(last=False)
                self._size -= len(dropped)


def digest(text: str) -> bytes:
    """A key of few bytes: texts are long, and nobody can make up two with the same."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
