"""Calls of tools as bars of a run's timeline, those at the same time below each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from streams import log

from .base import span
from .state_words import worded

TOP, HEIGHT, LANES = 46.0, 8.0, 8

Bar = tuple[float, float, float, float, str, str]  # x, width, y, height, kind, title


def bars(
    moments: Sequence[log.Moment], x: Callable[[datetime], float], end: datetime
) -> Iterator[Bar]:
    """Yields a bar for each time that a call waited, and that it ran; `x` places a moment."""
    names: dict[str, str] = {}
    open: dict[str, tuple[str, datetime]] = {}
    free = [0.0] * LANES
    for moment in moments:
        for call in moment.data.get("calls", ()) if moment.type == "step.ended" else ():
            names[call["call_id"]] = call["name"]
        id = moment.data.get("call_id", "") if moment.type.startswith("tool.") else ""
        if id in open and moment.type in ("tool.decided", "tool.started", "tool.ended"):
            kind, began = open.pop(id)
            kind = moment.data.get("status", kind) if moment.type == "tool.ended" else kind
            yield bar(kind, names.get(id, id), (began, moment.at), x, free)
        if moment.type in ("tool.waiting", "tool.started"):
            open[id] = ("waiting" if moment.type == "tool.waiting" else "running", moment.at)
    for id, (kind, began) in open.items():
        yield bar(kind, names.get(id, id), (began, end), x, free)


def bar(
    kind: str,
    name: str,
    times: tuple[datetime, datetime],
    x: Callable[[datetime], float],
    free: list[float],
) -> Bar:
    """Places a bar in the first lane that is free, or else in the last."""
    began, ended = times
    left, width = x(began), max(x(ended) - x(began), 2.0)
    lane = next((at for at, until in enumerate(free) if until <= left), LANES - 1)
    free[lane] = left + width
    title = f"{name} {worded(kind)} {span(ended - began)}"
    return left, width, TOP + lane * (HEIGHT + 1), HEIGHT, kind, title
