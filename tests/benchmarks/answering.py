"""One worker process as `manage.py runworker` makes it, on a leash, with a gauge of its loop."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Any

import uvloop
from django.core.management import execute_from_command_line

from tests.benchmarks.loop_gauge import watch
from tests.benchmarks.parent_death import leash

run = uvloop.run


def gauged(work: Coroutine[Any, Any, None]) -> None:
    async def both() -> None:
        gauge = asyncio.create_task(watch("worker"))
        await work
        gauge.cancel()

    run(both())


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatstream.settings")
    leash()
    uvloop.run = gauged
    execute_from_command_line(["manage.py", "runworker", "--drain", "0.5", *sys.argv[1:]])
