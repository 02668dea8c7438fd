"""The workloads by name; each takes the running processes and returns figures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from . import people, scale
from .dialects import dialects
from .first_minutes import first_five_minutes
from .measure import Figures, Load, got, measured, observed, port_of, post, quantiles
from .new_chats import new_chats
from .processes import House
from .vendor import WRAP

Workload = Callable[[House], Figures]


def loaded(house: House, **load: Any) -> Figures:
    return measured(house, Load(**load))


def idle(house: House, streams: int = 2000, seconds: float = 20.0) -> Figures:
    """Open and silent: memory, threads and CPU of the web processes."""
    owner = people.device(f"idle {time.monotonic_ns()}")
    cookie = people.cookie_of(owner)
    here = people.conversations(owner, streams, "openai-chat:1x1")
    settled(house, owner, cookie)
    memory = house.web_memory()
    swarm = house.swarm(
        {
            "streams": opened(house, [each.uuid for each in here], cookie),
            "at_once": 100,
            "wait": seconds + 3,
            "patience": seconds + 60,
        }
    )
    swarm.line()
    time.sleep(1)
    figures = {"kib_each": (house.web_memory() - memory) / streams / 1024}
    cpu = house.cpu()
    time.sleep(seconds)
    used = {name: (house.cpu()[name] - cpu[name]) / seconds for name in ("web", "postgres")}
    figures |= {"threads": house.web_threads(), "cores": used}
    swarm.line()
    swarm.stop()
    return figures


def settled(house: House, owner: Any, cookie: str) -> None:
    """A process's first streams pay for what all later ones share."""
    some = people.conversations(owner, 20, "openai-chat:1x1")
    streams = opened(house, [each.uuid for each in some], cookie)
    observed(house, {"streams": streams, "wait": 0.2, "patience": 20})


def opened(house: House, uuids: list[Any], cookie: str, cursors: list[int] | None = None) -> Any:
    after = cursors or [0] * len(uuids)
    return [
        {
            "port": port_of(house, n),
            "path": f"/c/{uuid}/events?after={after[n]}",
            "cookie": cookie,
        }
        for n, uuid in enumerate(uuids)
    ]


def join(house: House, tokens: int = 5000, clients: int = 1, after: bool = False) -> Figures:
    """Devices that come to an answer when it has `tokens` and is still growing."""
    owner = people.device(f"join {time.monotonic_ns()}")
    cookie = people.cookie_of(owner)
    rate = 1000
    # At this pace a thousand readers would be a million deliveries a second.
    model = f"openai-chat:{rate}x{tokens if clients > 1 else tokens + rate * 30}"
    here = people.conversations(owner, 1, model)[0]
    asking = {
        "streams": opened(house, [here.uuid], cookie),
        "posts": [post(house, 0, here, cookie, 0.0, stream=0)],
        "wait": 60,
        "patience": tokens / rate + 20,
    }
    writing = house.swarm(asking)
    writing.line()
    time.sleep(tokens / rate + 0.5)
    cursors = [n * tokens // clients for n in range(clients)] if after else None
    figures = observed(
        house,
        {
            "streams": opened(house, [here.uuid] * clients, cookie, cursors),
            "at_once": clients,
            "wait": "sync",
            "patience": 30,
        },
    )
    writing.stop()
    return figures


def cancel(house: House, streams: int = 200, rate: float = 30.0) -> Figures:
    """POST of the stop to the provider's socket closed, among running streams."""
    owner = people.device(f"cancel {time.monotonic_ns()}")
    cookie = people.cookie_of(owner)
    here = people.conversations(owner, streams, f"openai-chat:{rate:g}x{int(rate * 60)}")
    starting, stopping = streams / 50, max(1.0, streams / 25)
    posts = [
        post(
            house,
            n,
            each,
            cookie,
            n * starting / streams,
            stream=n,
            cancel_at=starting + 2 + n * stopping / streams,
        )
        for n, each in enumerate(here)
    ]
    figures = observed(
        house,
        {
            "streams": opened(house, [each.uuid for each in here], cookie),
            "posts": posts,
            "at_once": 50,
            "wait": "end",
            "patience": 60,
        },
    )
    closed = json.loads(got(house.vendor_port, "/closed")[1])
    asked = figures.pop("cancelled")
    took = sorted(closed[which] - at & WRAP for which, at in asked.items() if which in closed)
    return figures | {"closed_ms": quantiles(took), "not_closed": len(asked) - len(took)}


def page(house: House, messages: int = 500, times: int = 15) -> Figures:
    owner = people.device(f"page {time.monotonic_ns()}")
    cookie = people.cookie_of(owner)
    here = people.filled(owner, messages)
    figures: Figures = {}
    for name, accept in (("json", "application/json"), ("html", "text/html")):
        taken = []
        for _ in range(times):
            began = time.monotonic_ns()
            status, body = got(house.web_ports[0], f"/c/{here.uuid}/", Cookie=cookie, Accept=accept)
            taken.append((time.monotonic_ns() - began) // 1000)
            assert status == 200, body[:500]
        figures |= {f"{name}_ms": quantiles(sorted(taken)), f"{name}_kib": len(body) / 1024}
    return figures


def asked(house: House, **load: Any) -> Figures:
    return new_chats(house, Load(**load))


def spoken(house: House, rounds: int = 2, **load: Any) -> Figures:
    return dialects(house, Load(**load), rounds)


WORKLOADS: dict[str, Workload] = {
    "new": partial(asked, streams=200, rate=30, seconds=8, over=0.5),
    "new 200": partial(asked, streams=200, rate=30, seconds=8, over=8.0),
    "new 500": partial(asked, streams=500, rate=30, seconds=8, over=8.0),
    "new 400": partial(asked, streams=400, rate=30, seconds=8, over=0.5),
    "starts": partial(asked, streams=1000, rate=30, seconds=0.1, over=8.0, floor=False),
    "one": partial(loaded, streams=1, rate=30, seconds=15, over=0),
    "50": partial(loaded, streams=50, rate=30, seconds=12),
    "200": partial(loaded, streams=200, rate=30, seconds=12),
    "burst": partial(loaded, streams=200, rate=30, seconds=8, over=0.5),
    "500": partial(loaded, streams=500, rate=30, seconds=26, over=14.0),
    "1000": partial(loaded, streams=1000, rate=30, seconds=40, over=28.0),
    "devices": partial(loaded, streams=10, rate=40, seconds=12, devices=100, over=1.0),
    "idle": idle,
    "join": join,
    "reconnect": partial(join, tokens=2000, clients=1000, after=True),
    "cancel": cancel,
    "page": page,
    "page 2000": partial(page, messages=2000),
    "dialects": partial(spoken, streams=200, rate=30, seconds=8),
    "cold": first_five_minutes,
}

TINY: dict[str, Workload] = {
    "new": partial(asked, streams=5, rate=30, seconds=0.5, over=0.2),
    "few": partial(loaded, streams=5, rate=30, seconds=0.5, devices=2, over=0.2),
    "join": partial(join, tokens=200, clients=5, after=True),
    "cancel": partial(cancel, streams=3),
    "page": partial(page, messages=6, times=2),
    "dialects": partial(spoken, streams=2, rate=30, seconds=0.1, rounds=1),
}

# These start houses of their own, one after the other.
SCALE: dict[str, Workload] = {
    "workers": scale.workers,
    "webs": scale.webs,
    "new webs": scale.new_webs,
    "listeners": scale.listeners,
}
