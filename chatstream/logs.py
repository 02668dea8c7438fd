from __future__ import annotations

import logging
import time

AGAIN = 60.0  # seconds
KNOWN = 100


class Seldom(logging.Filter):
    """The same words once a minute: a pool without its database repeats them every second."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        words, now = record.getMessage(), time.monotonic()
        if now - self.said.get(words, -AGAIN) < AGAIN:
            return False
        if len(self.said) >= KNOWN:
            self.said.clear()
        self.said[words] = now
        return True
