"""`manage.py runworker`: one worker process."""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from streams.agents.mcp import servers
from streams.conf import Settings, conf
from streams.providers import registry
from streams.worker.process import Worker

STOPPING = "Ctrl-C lets those end that have begun; a second one leaves them to another worker."


class Command(BaseCommand):
    help = "Answer queued prompts until told to stop: SIGTERM drains, a second one hands back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--concurrency", type=int, help="runs at once")
        parser.add_argument("--drain", type=float, help="seconds runs may finish in")

    def handle(self, *args: Any, **options: Any) -> None:
        given = {k: options[k] for k in ("concurrency", "drain") if options[k] is not None}
        settings = dataclasses.replace(conf(), **given)
        # Where nobody configures logging it would be silent; what starts it from another process
        # says its own, and takes Ctrl-C itself.
        if self.stdout.isatty() and sys.stdin.isatty():
            self.stdout.write(f"Answering up to {settings.concurrency} prompts at once. {STOPPING}")
        try:
            import uvloop
        except ImportError:
            asyncio.run(work(settings))
        else:
            uvloop.run(work(settings))


async def work(settings: Settings) -> None:
    worker = Worker(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.drain)
    try:
        await worker.run()
    finally:
        await servers.aclose()
        await registry.aclose()
