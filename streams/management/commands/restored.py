"""`manage.py restored`: after a backup was restored, makes every client start over."""

from __future__ import annotations

import asyncio
from typing import Any

from django.core.management.base import BaseCommand

from streams.postgres.connections import connect
from streams.postgres.epoch_renewal import life_of, renew


class Command(BaseCommand):
    help = (
        "Tell every page that a backup was put back: it reloads, where it would go on from words "
        "that are no more. To be run after a restore, before the web processes start."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(self.renew())
        self.stdout.write("A new epoch has begun. Next: `manage.py checklog --repair`.")

    async def renew(self) -> None:
        async with await connect("restored") as connection:
            await renew(connection, await life_of(connection))
