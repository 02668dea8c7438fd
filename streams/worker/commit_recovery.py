"""Finds out which statements committed when the connection that sent them was lost.

Such a statement may still commit, so sending it again could write tokens twice. Raising the lease
token fences it out once its row is free; after that the table tells what was committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import psycopg
from psycopg import AsyncConnection

from .. import log
from ..postgres.connections import blames_rows
from ..supervision import SupervisedTasks
from .lease import Lease, LeaseLost, StorageFailed

logger = logging.getLogger(__name__)

PAUSE = 0.1  # seconds


class Recovery:
    """Finds out about leases whose events were in flight. `landed` and `failed` hear how it
    was; what did not commit is put back into its lease.

    Until then a lease keeps what was in flight, and nothing more may be sent for it.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[AsyncConnection]],
        landed: Callable[[Lease, int], None],
        failed: Callable[[Lease, Exception], None],
    ) -> None:
        self._connect = connect
        self._landed = landed
        self._failed = failed
        self.tasks = SupervisedTasks(lambda: None)

    async def recover(self, leases: Sequence[Lease]) -> AsyncConnection:
        """Returns with a new connection once the outcome of every conversation whose row is free is
        known. Those whose row is locked are asked after separately and delay nobody.
        """
        while True:
            connection = await self._connect()
            try:
                locked = await self._find_out(connection, leases)
            except psycopg.Error as error:
                await connection.close()
                logger.warning("writer: lost again while recovering: %s", error)
                await asyncio.sleep(PAUSE)
            else:
                if locked:
                    self.tasks.start(self._keep_asking(locked))
                return connection

    async def _keep_asking(self, leases: Sequence[Lease]) -> None:
        while leases:
            await asyncio.sleep(PAUSE)
            try:
                async with await self._connect() as connection:
                    leases = await self._find_out(connection, leases)
            except psycopg.Error as error:
                logger.warning("writer: %s flights not known yet: %s", len(leases), error)

    async def _find_out(
        self, connection: AsyncConnection, leases: Sequence[Lease]
    ) -> Sequence[Lease]:
        """What became of their flights; those are left whose rows somebody holds, be it the
        lost statement itself. One whose own rows are at fault fails alone."""
        try:
            return await self._ask(connection, leases)
        except psycopg.Error as error:
            if not blames_rows(error):
                raise
        locked: list[Lease] = []
        for lease in leases:
            try:
                locked += await self._ask(connection, [lease])
            except psycopg.Error as error:
                if not blames_rows(error):
                    raise
                self._failed(lease, StorageFailed(type(error).__name__))
        return locked

    async def _ask(self, connection: AsyncConnection, leases: Sequence[Lease]) -> Sequence[Lease]:
        asked = [each for each in leases if each.buffer.flying and not each.failure]
        async with connection.transaction():
            free = await log.lock_free(connection, [each.conversation_id for each in asked])
            held = [
                (each.conversation_id, each.run_id, each.token)
                for each in asked
                if each.conversation_id in free
            ]
            raised = await log.raise_tokens(connection, held)
        for lease in asked:
            if lease.conversation_id in free:
                await self._resume(connection, lease, raised.get(lease.conversation_id))
        return [each for each in asked if each.conversation_id not in free]

    async def _resume(
        self, connection: AsyncConnection, lease: Lease, raised: tuple[int, int] | None
    ) -> None:
        if raised is None:  # no longer ours: ended by the lost statement, or taken over
            self._failed(lease, LeaseLost(f"run {lease.run_id}"))
            return
        lease.token, head = raised
        there = await log.committed(connection, lease.conversation_id, lease.run_id, lease.acked)
        if lease.failure or not lease.buffer.flying:  # given up, or resumed before a second loss
            return
        if there:
            self._landed(lease, head)
        else:
            lease.buffer.put_back()
