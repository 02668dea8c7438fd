"""A worker's own row: one heartbeat is the lease of all its runs, by the database's clock."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row

from ..conf import Settings
from ..postgres.availability import described
from ..postgres.connections import pool
from .local_processes import process_identity

logger = logging.getLogger(__name__)

HOLDS = """
SELECT held.id AS run_id,
       coalesce(r.status = 'running' AND r.worker_id = %(worker)s, false) AS mine,
       r.cancel_requested_at IS NOT NULL AS cancelled, r.cancelled_by AS device
  FROM unnest(%(runs)s::bigint[]) AS held(id) LEFT JOIN streams_run r ON r.id = held.id
"""


class Hold(NamedTuple):
    """The state of a run that this worker had: whether it still holds it, and whether and by which
    device it was asked to stop.
    """

    run_id: int
    mine: bool
    cancelled: bool
    device: dict[str, Any] | None


class Heartbeat:
    def __init__(self, name: str, conf: Settings) -> None:
        self.name = name
        self.conf = conf
        self.worker_id = 0
        # Its own, since others wait for rows that somebody has locked.
        self.pool = pool("heartbeat", most=1)
        self._since = self._latest = 0.0

    async def register(self, connection: AsyncConnection) -> None:
        cursor = await connection.execute(
            "INSERT INTO streams_worker (uuid, name, process, concurrency, draining)"
            " VALUES (%s, %s, %s, %s, false) RETURNING id",
            [uuid.uuid4(), self.name, process_identity(), self.conf.concurrency],
        )
        row = await cursor.fetchone()
        assert row is not None
        self.worker_id = row[0]

    async def run(self, draining: asyncio.Event) -> None:
        """Beats until cancelled."""
        async with self.pool:
            while True:
                try:
                    async with self.pool.connection() as connection:
                        await self.beat(connection, draining.is_set())
                    self._beaten()
                except psycopg.Error as error:
                    logger.warning("worker %s: no heartbeat: %s", self.name, await described(error))
                    self._since = 0.0
                await asyncio.sleep(self.conf.heartbeat)

    def _beaten(self) -> None:
        now = time.monotonic()
        if not self._since or now - self._latest > self.conf.lease:
            self._since = now
        self._latest = now

    @property
    def seasoned(self) -> bool:
        """Tells whether this worker's beats have arrived for a whole lease. Before that, others may
        seem silent only because PostgreSQL was away from everyone.
        """
        lease, now = self.conf.lease, time.monotonic()
        return 0.0 < self._since <= now - lease < self._latest

    async def beat(self, connection: AsyncConnection, draining: bool) -> None:
        cursor = await connection.execute(
            "UPDATE streams_worker SET beat_at = clock_timestamp(), draining = %s,"
            " stopped_at = NULL, lost = false WHERE id = %s",
            [draining, self.worker_id],
        )
        if not cursor.rowcount:  # away for so long that its row was thrown out
            await self.register(connection)

    async def goodbye(self, connection: AsyncConnection) -> None:
        await connection.execute(
            "UPDATE streams_worker SET stopped_at = clock_timestamp() WHERE id = %s",
            [self.worker_id],
        )

    async def holds(self, connection: AsyncConnection, run_ids: Sequence[int]) -> list[Hold]:
        """Returns how it stands with each run. A deleted one is held by nobody."""
        if not run_ids:
            return []
        async with connection.cursor(row_factory=class_row(Hold)) as cursor:
            await cursor.execute(HOLDS, {"worker": self.worker_id, "runs": list(run_ids)})
            return await cursor.fetchall()
