"""The same answers read through our own stream and through those of other protocols: what each
costs the web process.

The runs are there, and all streams are open, before a worker says the first word: so what is
measured is what a token costs, and neither a start nor a client that catches up.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from streams.models import Device, Run
from tests.processes import eventually

from . import people
from .measure import Figures, Load, observed, port_of
from .processes import House

BEGINNING = 120.0  # seconds for all runs to be there
PROMPT = [{"role": "user", "content": "prompt"}]
RESUMED: dict[str, Callable[[Run], str]] = {
    "own": lambda run: f"/runs/{run.uuid}/events",
    "ai_sdk": lambda run: f"/api/chat/{run.conversation.uuid}/stream",
    "ag_ui": lambda run: f"/ag-ui?offset=-1&runId={run.uuid}",
    "openai_responses": lambda run: f"/v1/responses/resp_{run.uuid.hex}?stream=true",
}
WITHOUT_RESUME = "openai_chat"  # its request is what begins a run


def dialects(house: House, load: Load, rounds: int = 2) -> Figures:
    """Returns microseconds of the web process for each token, the least of some rounds, and how
    many times our own stream's that is."""
    figures: Figures = {name: {} for name in (*RESUMED, WITHOUT_RESUME)}
    lost = wrong = 0
    for _ in range(rounds):
        for name, best in figures.items():
            seen = read_through(house, load, name)
            print(f"  {name}: {seen['cpu_per_million']['web']:.1f}", file=sys.stderr, flush=True)
            best["us"] = min(seen["cpu_per_million"]["web"], best.get("us", 1e9))
            lost += load.streams * load.count - seen["read"]
            wrong += seen["wrong"]
    for each in figures.values():
        each["times"] = each["us"] / figures["own"]["us"]
    return figures | {"lost": lost, "wrong": wrong}


def read_through(house: House, load: Load, name: str) -> Figures:
    owner = people.device(f"{name} {time.monotonic_ns()}")
    cookie = people.cookie_of(owner)
    tell(house, signal.SIGSTOP)
    try:
        streams = [
            {"port": port_of(house, n), "cookie": cookie} | each
            for n, each in enumerate(asked(owner, load, name))
        ]
        patience = load.patience + BEGINNING
        plan = {"streams": streams, "at_once": 50, "wait": "end", "patience": patience}
        return observed(house, plan, opened=lambda: go_on(house, owner, load.streams))
    finally:
        tell(house, signal.SIGCONT)


def asked(owner: Device, load: Load, name: str) -> list[dict[str, Any]]:
    model = f"openai-chat:{load.model}"
    if name == WITHOUT_RESUME:
        body = {"model": model, "messages": PROMPT, "stream": True}
        return [{"path": "/v1/chat/completions", "body": body}] * load.streams
    here = people.conversations(owner, load.streams, model)
    runs = [each.post("prompt", owner)[1] for each in here]
    return [{"path": RESUMED[name](run)} for run in runs]


def go_on(house: House, owner: Device, runs: int) -> None:
    """Lets the workers begin once all runs are there."""
    mine = Run.objects.filter(conversation__owner=owner.user)
    eventually(lambda: mine.count() == runs, within=BEGINNING)
    tell(house, signal.SIGCONT)


def tell(house: House, number: signal.Signals) -> None:
    for worker in house.children["worker"]:
        worker.popen.send_signal(number)
