"""How long the event loop of a process under load stands still: the CPU time between the moment a
timer is due and the moment it runs, so that other processes of a busy machine do not count.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

FOLDER = "BENCHMARK_GAUGES"
EVERY = 0.01


async def watch(kind: str) -> None:
    """Notes the longest stall, in seconds, in a file; begins anew whenever that is gone."""
    file, longest = Path(os.environ[FOLDER]) / f"{kind}-{os.getpid()}", 0.0
    while True:
        before = time.thread_time()
        await asyncio.sleep(EVERY)
        stall = time.thread_time() - before
        longest = longest if file.exists() else 0.0
        if stall > longest:
            longest = stall
            file.write_text(json.dumps(stall))


def reset() -> None:
    for file in Path(os.environ[FOLDER]).iterdir():
        file.unlink()


def stalls() -> dict[str, float]:
    """Returns milliseconds by kind of process: of the one that stood still for longest."""
    found: dict[str, float] = {}
    for kind, seconds in noted():
        found[kind] = max(found.get(kind, 0.0), seconds * 1000)
    return found


def noted() -> Iterator[tuple[str, float]]:
    for file in Path(os.environ[FOLDER]).iterdir():
        if words := file.read_text():
            yield file.name.partition("-")[0], json.loads(words)
