"""How long an event loop stands still at most, in CPU time: other processes do not count."""

from __future__ import annotations

import time
from asyncio.events import Handle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class Gauge:
    """`longest` is what one callback took at most, in seconds of its thread's CPU."""

    longest: float = 0.0


@contextmanager
def gauged(monkeypatch: Any) -> Iterator[Gauge]:
    """Watch every step of the loop, as asyncio's own debug mode does."""
    gauge, run = Gauge(), Handle._run

    def timed(handle: Handle) -> None:
        began = time.thread_time()
        run(handle)
        gauge.longest = max(gauge.longest, time.thread_time() - began)

    with monkeypatch.context() as patch:
        patch.setattr(Handle, "_run", timed)
        yield gauge
