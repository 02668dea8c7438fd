"""The same answers read through our own stream and through those of other protocols: what each
costs the web process.

The runs are there, and all streams are open, before a worker says the first word: so what is
measured is what a token costs, and neither a start nor a client that catches up.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

from streams.models import Device, Run

from . import people
from .measure import Figures, Load, observed, port_of
from .processes import House

BEGINNING = 120.0  # seconds for all streams to be open
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
    wrong = 0
    for _ in range(rounds):
        for name, best in figures.items():
            seen = read_through(house, load, name)
            best["us"] = min(seen["cpu_per_million"]["web"], best.get("us", 1e9))
            best["lost"] = best.get("lost", 0) + load.streams * load.count - seen["read"]
            wrong += seen["wrong"]
    tick = 1.0  # of a short load the system's clock may have counted nothing
    for each in figures.values():
        each["times"] = each["us"] / max(figures["own"]["us"], tick)
    return figures | {"lost": sum(each["lost"] for each in figures.values()), "wrong": wrong}


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
        plan = {"streams": streams, "begun": True, "wait": "end", "patience": patience}
        return observed(house, plan, opened=lambda: tell(house, signal.SIGCONT))
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


def tell(house: House, number: signal.Signals) -> None:
    for worker in house.children["worker"]:
        worker.popen.send_signal(number)
