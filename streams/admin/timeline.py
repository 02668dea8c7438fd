"""Lays out a run's timeline: where boxes and marks go in the SVG that the template draws."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from django.utils.translation import gettext

from streams import log
from streams.models import Run
from streams.postgres import clock

from . import timeline_calls
from .base import span
from .state_words import worded

WIDTH = 960.0
TOP, BOTTOM = 44.0, 124.0
BUCKETS = 120
QUEUE_SHARE = 0.25
LABEL, LETTER = 110.0, 7.0
DETAILS = 300


class Box(NamedTuple):
    """Numbers are text already: a language with decimal commas would break the drawing."""

    x: str
    width: str
    y: str
    height: str
    kind: str
    title: str
    label: str


class Mark(NamedTuple):
    x: str
    kind: str
    label: str
    anchor: str
    title: str


class Row(NamedTuple):
    at: str
    seq: int
    type: str
    details: str


class Stretch(NamedTuple):
    kind: str
    start: datetime
    end: datetime

    @property
    def title(self) -> str:
        return f"{worded(self.kind)} {span(self.end - self.start)}"


@dataclass(slots=True)
class Picture:
    """What the template draws: phases above, tokens over time below with the calls of tools over
    them, and a mark for each event and each step.
    """

    title: str
    phases: list[Box] = field(default_factory=list)
    tokens: list[Box] = field(default_factory=list)
    calls: list[Box] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)


class Scale:
    """Time to pixels. A long wait in the queue takes a quarter at most, or nothing else
    would be seen."""

    def __init__(self, run: Run, moments: Sequence[log.Moment]) -> None:
        self.start = run.queued_at
        last = moments[-1].at if moments else self.start
        end = max(run.ended_at, last) if run.ended_at else clock.of(run)
        self.end = max(end, self.start + timedelta(milliseconds=1))
        started = (moment.at for moment in moments if moment.type == "run.started")
        begun = next(started, run.started_at)
        self.begun = min(begun or self.end, self.end)
        share = (self.begun - self.start) / (self.end - self.start)
        self.split = WIDTH * (share if begun is None else min(share, QUEUE_SHARE))

    def x(self, moment: datetime) -> float:
        moment = min(max(moment, self.start), self.end)
        if moment < self.begun:
            return self.split * ((moment - self.start) / (self.begun - self.start))
        rest = self.end - self.begun
        return self.split + (WIDTH - self.split) * ((moment - self.begun) / rest if rest else 1)

    @property
    def bucket(self) -> float:
        """Seconds of one bar of the token graph."""
        return max((self.end - self.begun).total_seconds() / BUCKETS, 0.05)


def picture(run: Run) -> Picture:
    """Returns the timeline of a run as boxes, marks and lines of text, for the template to draw."""
    bucket = Scale(run, []).bucket
    moments = log.timeline(run.conversation_id, run.pk, bucket)
    scale = Scale(run, moments)
    stretches = list(stretched(run, moments))
    return Picture(
        title=", ".join([*(stretch.title for stretch in stretches), worded(run.status)]),
        phases=list(phases(stretches, scale)),
        tokens=list(tokens(run, moments, scale, bucket)),
        calls=[box(*bar) for bar in timeline_calls.bars(moments, scale.x, scale.end)],
        marks=list(marks(moments, scale)),
        lines=list(lines(run, moments)),
    )


def stretched(run: Run, moments: Sequence[log.Moment]) -> Iterator[Stretch]:
    """The times between the turning points, as far as the run has come."""
    points = list(turning_points(run, moments))
    ends = [*(at for _, at in points[1:]), run.ended_at or clock.of(run)]
    for (kind, start), end in zip(points, ends, strict=True):
        yield Stretch(kind, start, max(start, end))


def turning_points(run: Run, moments: Sequence[log.Moment]) -> Iterator[tuple[str, datetime]]:
    """Attempt by attempt. `silent` is the time from a lost worker's last word to the next one's
    first."""
    kind, latest, attempt = "queued", run.queued_at, 0
    yield kind, latest
    for moment in moments:
        if moment.type == "run.queued" and attempt:  # handed back
            yield (kind := "queued"), moment.at
        elif moment.type == "run.waiting":
            yield (kind := "waiting"), moment.at
        elif moment.type == "run.started":
            if kind == "writing":
                yield "silent", latest
            attempt = moment.data["attempt"]
            yield (kind := "thinking"), moment.at
        elif moment.type == "block.started" and kind == "thinking":
            known = run.first_token_at if attempt == run.attempt else None
            # Of a run that goes on by its steps the first token is older than this start.
            yield (kind := "writing"), known if known and known >= latest else moment.at
        latest = moment.at


def phases(stretches: Sequence[Stretch], scale: Scale) -> Iterator[Box]:
    for it in stretches:
        x, width = scale.x(it.start), scale.x(it.end) - scale.x(it.start)
        yield box(x, width, 8, 24, it.kind, it.title, it.title if width > LABEL else "")


def tokens(run: Run, moments: Sequence[log.Moment], scale: Scale, bucket: float) -> Iterator[Box]:
    deltas = [moment for moment in moments if moment.type == "block.delta"]
    if run.ended_at and run.first_token_at and folded(run, deltas):
        x = scale.x(run.first_token_at)
        title = gettext("%(count)s tokens") % {"count": run.output_tokens}
        yield box(x, scale.x(run.ended_at) - x, TOP, BOTTOM - TOP, "folded", title)
        return
    most = max((moment.deltas for moment in deltas), default=1)
    for moment in deltas:
        x = scale.x(moment.at)
        width = max(scale.x(moment.at + timedelta(seconds=bucket)) - x - 0.5, 1)
        height = (BOTTOM - TOP) * moment.deltas / most
        title = f"{moment.deltas} in {span(bucket)}"
        yield box(x, width, BOTTOM - height, height, "token", title)


def folded(run: Run, deltas: Sequence[log.Moment]) -> bool:
    """Tells whether the log was compacted: then a block is one row, and its pace is no longer
    known.
    """
    return 0 < sum(moment.deltas for moment in deltas) < min(run.output_tokens, 5)


def box(
    x: float, width: float, y: float, height: float, kind: str, title: str, label: str = ""
) -> Box:
    return Box(f"{x:.1f}", f"{width:.1f}", f"{y:.1f}", f"{height:.1f}", kind, title, label)


def marks(moments: Sequence[log.Moment], scale: Scale) -> Iterator[Mark]:
    """Yields a mark for each `run.*` and `step.started` event, with a label where there is room."""
    free = 0.0
    for moment in moments:
        room, _, kind = moment.type.partition(".")
        if room != "run" and moment.type != "step.started":
            continue
        x, label = scale.x(moment.at), kind.replace("_", " ")
        if room == "step":
            kind, label = "step", f"step {moment.data['step']}"
        if moment.data.get("attempt", 1) > 1:
            label = f"{label} again"
        wide = len(label) * LETTER
        anchor = "end" if x + wide > WIDTH else "start"
        left = x - wide if anchor == "end" else x
        title = f"{moment.type} +{span(moment.at - scale.start)}"
        yield Mark(f"{x:.1f}", kind, label if left >= free else "", anchor, title)
        free = max(free, left + wide) if left >= free else free


def lines(run: Run, moments: Sequence[log.Moment]) -> Iterator[Row]:
    """The same as a table, deltas and notes of progress in a row counted together."""
    latest = run.queued_at
    for type, group in groupby(moments, key=lambda moment: moment.type):
        for at, seq, details in told(type, list(group)):
            latest = max(latest, at)  # a bar of tokens begins before its first
            yield Row(f"+{span(latest - run.queued_at)}", seq, type, details)


def told(type: str, group: list[log.Moment]) -> Iterator[tuple[datetime, int, str]]:
    if type == "block.delta":
        yield group[0].at, group[-1].seq, f"× {sum(moment.deltas for moment in group)}"
        return
    if type == "tool.progress":
        last = {moment.data["call_id"]: moment for moment in group}
        counts = Counter(moment.data["call_id"] for moment in group)
        for id, moment in sorted(last.items(), key=lambda each: each[1].seq):
            yield moment.at, moment.seq, f"{id} × {counts[id]}: {moment.data['text']}"[:DETAILS]
        return
    for moment in group:
        data = {key: value for key, value in moment.data.items() if key != "run"}
        text = json.dumps(data, ensure_ascii=False) if data else ""
        yield moment.at, moment.seq, text if len(text) <= DETAILS else text[:DETAILS] + "…"
