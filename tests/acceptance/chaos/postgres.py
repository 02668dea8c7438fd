"""A PostgreSQL of its own, which may be stopped without hurting any other test."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from streams.postgres import embedded
from tests import migrated_data


class Postgres:
    """`async with Postgres(migrated) as postgres`, with the fixture of that name; `postgres.url`
    stays the same over restarts.
    """

    def __init__(self, migrated: Path) -> None:
        self.migrated = migrated

    async def __aenter__(self) -> Postgres:
        self.folder = Path(tempfile.mkdtemp(prefix="chatstream-chaos-"))
        await asyncio.to_thread(migrated_data.copy, self.migrated, self.folder)
        self.server = await asyncio.to_thread(embedded.join, self.folder)
        atexit.unregister(self.server._cleanup)  # it knows the first postmaster alone
        self.url = embedded.url(self.server.get_uri())
        self.up = True
        self.sockets = str(self.server.get_postmaster_info().socket_dir)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.up:
            await self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    async def stop(self, mode: str) -> None:
        self.up = False
        await asyncio.to_thread(self.server.run, "pg_ctl", "-t", "30", "-m", mode, "-w", "stop")

    async def start(self) -> None:
        await asyncio.to_thread(self.server.launch, self.sockets)
        self.up = True

    async def restart(self, mode: str, away: float = 0.0) -> None:
        await self.stop(mode)
        await asyncio.sleep(away)
        await self.start()

    async def connect(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            self.url, autocommit=True, application_name="the test"
        )

    async def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        async with await self.connect() as connection:
            return await (await connection.execute(sql, values)).fetchall()

    async def cut(self, rooms: str) -> int:
        """Terminate connections by the name they go under; how many there were."""
        cut = await self.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ %s",
            f"^chatstream ({rooms})$",
        )
        return len(cut)
