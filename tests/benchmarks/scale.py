"""More of the same on one PostgreSQL: workers, web processes, and who listens to it."""

from __future__ import annotations

from math import ceil

from .measure import Figures, Load, through_everything
from .new_chats import begun
from .processes import House


def workers(house: House, streams: int = 300) -> Figures:
    """The same load on 1, 2 and 4 workers."""
    return {f"{n} workers": spread(house, streams, webs=1, workers=n) for n in (1, 2, 4)}


def webs(house: House, streams: int = 300) -> Figures:
    return {f"{n} webs": spread(house, streams, webs=n, workers=1) for n in (1, 2, 4)}


def new_webs(house: House, streams: int = 200) -> Figures:
    """A burst of new chats on 1, 2 and 4 web processes."""
    figures: Figures = {}
    for count in (1, 2, 4):
        with House(house.folder) as here:
            here.start(count, workers=1)
            seen = begun(here, Load(streams, rate=30, seconds=4, over=0.5))
            first = seen["first_ms"] or {}
            firsts = {f"first_{point}_ms": first.get(point) for point in ("p50", "p99")}
            figures[f"{count} webs"] = firsts | brief(seen)
    return figures


def spread(house: House, streams: int, webs: int, workers: int) -> Figures:
    with House(house.folder) as here:
        here.start(webs, workers, runs=ceil(streams / workers))
        return brief(through_everything(here, Load(streams, rate=30, seconds=8, over=6)))


def listeners(house: House, streams: int = 100) -> Figures:
    """Measures what each listening process adds to a commit, with and without readers."""
    figures: Figures = {}
    for count in (1, 4, 16, 64):
        with House(house.folder) as here:
            here.start()
            here.listeners(count - 1)
            seen = through_everything(here, Load(streams, rate=30, seconds=8, over=3))
            figures[f"{count} listening"] = brief(seen)
    return figures


def brief(seen: Figures) -> Figures:
    late, cpu = seen["late_ms"] or {}, seen["cpu"]
    return {
        "p50_ms": late.get("p50"),
        "p99_ms": late.get("p99"),
        "cores": sum(cpu.values()) / seen["seconds"],
        "postgres_cores": cpu["postgres"] / seen["seconds"],
        "lost": seen["lost"],
        "wrong": seen["wrong"],
    }
