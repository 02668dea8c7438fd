"""`manage.py pruneevents`: compacts and purges now what workers do in their own time."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand
from psycopg import AsyncConnection
from tqdm import tqdm

from streams import log
from streams.conf import Settings, conf
from streams.postgres.connections import INDEXED, connect
from streams.worker import purging, retention

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}


class Command(BaseCommand):
    help = "Compact the events of ended answers to one row a block; purge deleted conversations."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go, and stop")
        parser.add_argument(
            "--older-than", type=seconds, help="answers that ended so long ago: 90s, 30m, 12h, 7d"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        settings = conf()
        grace = options["older_than"]
        grace = settings.compact_after if grace is None else grace
        asyncio.run(self.prune(settings, grace, options))

    async def prune(self, settings: Settings, grace: float, options: dict[str, Any]) -> None:
        async with await connect("pruneevents", **INDEXED) as connection:
            due = await log.compactable(connection, grace)
            if options["dry_run"]:
                self.stdout.write(f"{due.runs} answers with {due.rows} rows of text to compact.")
                return
            rows = await self.compact(connection, grace, settings.compact_runs, due.runs)
            purged = 0
            while some := await purging.purge(connection, settings.purge_after):
                purged += some
            await retention.forget(connection, settings.keep_workers)
        self.stdout.write(f"{rows} rows compacted away, {purged} deleted conversations purged.")

    async def compact(
        self, connection: AsyncConnection, grace: float, limit: int, total: int
    ) -> int:
        rows = 0
        # disable=None: a bar on a terminal, and nothing in a log file.
        with tqdm(total=total, unit=" answers", desc="Compacting", disable=None) as bar:
            async for done in retention.compact(connection, grace, limit):
                rows += done.rows
                bar.update(done.runs)
        return rows


def seconds(text: str) -> float:
    number, unit = (text[:-1], text[-1:]) if text[-1:] in UNITS else (text, "s")
    try:
        value = float(number) * UNITS[unit]
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no time; say 90s, 30m, 12h or 7d") from error
    if not 0 <= value < 10**9:
        raise ArgumentTypeError(f"{text!r} is no time ago")
    return value
