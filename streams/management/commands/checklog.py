"""`manage.py checklog`: checks every conversation's log, and repairs what can be repaired."""

from __future__ import annotations

import asyncio
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from psycopg import AsyncConnection
from tqdm import tqdm

from streams import log
from streams.postgres.connections import INDEXED, blames_rows, connect


class Command(BaseCommand):
    help = (
        "Check every log: counters behind it, missing numbers, answers without an end, events "
        "without a conversation. Exits with 1 when something is wrong and was not mended. Workers "
        "may go on meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="mend what is found")

    def handle(self, *args: Any, **options: Any) -> None:
        found, left = asyncio.run(self.look(options["repair"]))
        mended = f", {found - left} mended" if options["repair"] else ""
        self.stdout.write(f"{found} faults{mended}.")
        if left:
            sys.exit(1)

    async def look(self, repair: bool) -> tuple[int, int]:
        """Returns how many faults there were and how many remain."""
        found = left = 0
        async with await connect("checklog", **INDEXED) as connection:
            row = await (
                await connection.execute("SELECT count(*) FROM streams_conversation")
            ).fetchone()
            # disable=None: a bar on a terminal, and nothing in a log file.
            total = row[0] if row else 0
            with tqdm(total=total, unit=" logs", desc="Checking", disable=None) as bar:
                async for checked, findings in log.walk(connection):
                    found += len(findings)
                    for finding in findings:
                        self.tell(finding)
                    for pk in dict.fromkeys(finding.conversation_id for finding in findings):
                        left += await self.mend(connection, pk) if repair else 0
                    bar.update(checked)
            for finding in await log.orphans(connection):
                found += 1
                self.tell(finding)
                if repair:
                    await log.drop_orphan(connection, finding.conversation_id)
        return found, left if repair else found

    def tell(self, finding: log.Finding) -> None:
        with tqdm.external_write_mode():
            self.stdout.write(f"conversation {finding.conversation_id}: {finding}")

    async def mend(self, connection: AsyncConnection, conversation_id: int) -> int:
        """Repairs what can be repaired; returns how many faults remain."""
        try:
            left = await log.mend(connection, conversation_id)
        except Exception as error:
            if not blames_rows(error):
                raise
            self.stderr.write(f"conversation {conversation_id}: {type(error).__name__}, not mended")
            return 1
        for finding in left:
            self.stderr.write(f"conversation {conversation_id}: still {finding}")
        return len(left)
