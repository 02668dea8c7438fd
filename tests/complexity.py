"""Measures whether work grows in proportion to its input."""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager

TWICE_DOUBLED = 8  # 4 when linear, 16 when quadratic: half way, as ratios go
SHORT = 0.01  # seconds: less is the noise of a clock


def repeated(piece, length):
    return (piece * (length // len(piece) + 1))[:length]


def growth(work, make, most, tries=20):
    """CPU time of this thread at a quarter of `most`, at half and at all of it. Each is the best
    so far of up to `tries`: what other processes do makes none of them shorter."""
    sizes = [most // 4, most // 2, most]
    best = [float("inf")] * 3
    for _ in range(tries):
        for at, size in enumerate(sizes):
            given = make(size)
            with uncollected():
                began = time.thread_time()
                work(given)
                best[at] = min(best[at], time.thread_time() - began)
        if is_linear(best):
            break
    return best


@contextmanager
def uncollected():
    """No garbage is collected meanwhile: that takes the longer, the more a test process holds."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def is_linear(times, short=SHORT):
    return times[2] < short or times[2] < TWICE_DOUBLED * times[0]
