"""Measures one load twice with the same tokens: through the whole system, and through a bare
relay.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

from django.db import connection

from streams.models import Conversation, Event

from . import loop_gauge, people
from .processes import House

Figures = dict[str, Any]


@dataclass
class Load:
    """`streams` answers of `seconds` at `rate` tokens a second, begun within `over` seconds,
    each on `devices` devices."""

    streams: int
    rate: float
    seconds: float
    over: float = 4.0
    devices: int = 1
    floor: bool = True
    key: str = field(default="", init=False)

    @property
    def count(self) -> int:
        return max(1, int(self.rate * self.seconds))

    @property
    def model(self) -> str:
        return f"{self.rate:g}x{self.count}"

    @property
    def patience(self) -> float:
        return self.seconds * 2 + self.over + 40

    def at(self, number: int) -> float:
        return number * self.over / self.streams


def measured(house: House, load: Load) -> Figures:
    ours = through_everything(house, load)
    return {"ours": ours, "floor": through_the_floor(house, load) if load.floor else None}


def through_everything(house: House, load: Load) -> Figures:
    owner = people.device(f"anna {time.monotonic_ns()}")
    cookie = people.cookie_of(owner)
    here = people.conversations(owner, load.streams, f"openai-chat:{load.model}")
    plan = {
        "streams": [
            {"port": port_of(house, n + d), "path": f"/c/{each.uuid}/events", "cookie": cookie}
            for n, each in enumerate(here)
            for d in range(load.devices)
        ],
        "posts": [
            post(house, n, each, cookie, load.at(n), stream=n * load.devices)
            for n, each in enumerate(here)
        ],
        "at_once": 50,
        "wait": "end",
        "patience": load.patience,
    }
    before = stored()
    figures = observed(house, plan)
    after = stored()
    ids = [each.pk for each in here]
    rows = Event.objects.filter(conversation_id__in=ids, type="block.delta").count()
    made = load.streams * load.count
    figures["rows"] = rows
    figures["lost"] = (made - rows) + (made * load.devices - figures["read"])
    for name, size in after.items():
        figures[f"{name}_per_token"] = (size - before[name]) / made
    return figures


def through_the_floor(house: House, load: Load) -> Figures:
    plan = {
        "streams": [
            {"port": house.relay_port, "path": f"/{load.model}/floor-{n}", "at": load.at(n)}
            for n in range(load.streams)
            for _ in range(load.devices)
        ],
        "at_once": 10_000,
        "wait": "end",
        "patience": load.patience,
    }
    return observed(house, plan)


def port_of(house: House, number: int) -> int:
    return house.web_ports[number % len(house.web_ports)]


def post(
    house: House, number: int, here: Conversation, cookie: str, at: float, **more: Any
) -> Figures:
    body = {"content": f"prompt {here.uuid}"}
    path = f"/c/{here.uuid}/messages"
    where = {"port": port_of(house, number), "path": path, "cookie": cookie}
    return {**where, "body": body, "at": at, **more}


def observed(house: House, plan: Figures, opened: Callable[[], None] | None = None) -> Figures:
    """Returns what a swarm saw, and the CPU time of every kind of process once all streams were
    open.
    """
    swarm = house.swarm(plan)
    swarm.line()
    if opened:
        opened()
    loop_gauge.reset()
    cpu, began = house.cpu(), time.monotonic()
    swarm.line()
    seen = json.loads(house.seen.read_text())
    took = time.monotonic() - began
    spent = {name: used - cpu.get(name, 0) for name, used in house.cpu().items()}
    swarm.stop()
    read = sum(seen.pop("tokens"))
    late, first = seen.pop("late"), seen.pop("first")
    return seen | {
        "seconds": took,
        "read": read,
        "tokens_per_second": read / took,
        "stall_ms": loop_gauge.stalls(),
        "late_ms": quantiles(late),
        "first_ms": quantiles(first),
        "posted_ms": quantiles(seen.pop("posted")),
        "synced_ms": quantiles(seen.pop("synced")),
        "cancel_answered_ms": quantiles(seen.pop("cancel_answered")),
        "frames": quantiles(seen.pop("frames"), scale=1),
        "cpu": spent,
        "cpu_per_million": {name: used / max(1, read) * 1e6 for name, used in spent.items()},
    }


def quantiles(ordered: list[int], scale: float = 1000) -> dict[str, float] | None:
    if not ordered:
        return None
    last = len(ordered) - 1
    points = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: ordered[round(last * point)] / scale for name, point in points.items()}


def stored() -> dict[str, int]:
    """Returns the bytes of the log so far: of the table, and of the write-ahead log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_total_relation_size('streams_event'),"
            " (pg_current_wal_insert_lsn() - '0/0')::bigint"
        )
        table, wal = cursor.fetchone()
    return {"table_bytes": table, "wal_bytes": wal}


def got(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    here = HTTPConnection("127.0.0.1", port, timeout=30)
    here.request("GET", path, headers={"Host": "localhost", **headers})
    answer = here.getresponse()
    body = answer.read()
    here.close()
    return answer.status, body
