"""Group commit at its own pace: while one flush is in flight, the next collects.

There is one writer with one connection per worker process. An idle system flushes at once and a
busy one makes larger batches; a pause of 2 ms between flushes halves the CPU used.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection

from .. import log
from ..conf import Settings
from ..postgres.connections import HASHED, connect, is_away, is_undone
from ..postgres.error_diagnosis import described
from .commit_recovery import PAUSE, Recovery
from .lease import Lease, LeaseLost, StorageFailed

logger = logging.getLogger(__name__)

RESTS = 3  # times a flush's own length
SHARES = 10  # of the buffer; one run has one at most


class Writer:
    """Appends events for all runs of this process.

    `write` waits while `buffer_events` or `buffer_bytes` are held, or a tenth of that for one run,
    which bounds memory. Events that have waited for `buffer_seconds` fail their run, whatever they
    waited for.
    """

    def __init__(self, conf: Settings) -> None:
        self.conf = conf
        self.flushes = 0
        self.rows = 0
        self.connection: AsyncConnection | None = None
        self._dirty: dict[Lease, None] = {}
        self._held = self._held_bytes = 0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False
        self._recovery = Recovery(self._connect, self._landed, self._fail)

    async def write(
        self,
        lease: Lease,
        *events: log.NewEvent,
        first_token: bool = False,
        ending: log.RunChange | None = None,
    ) -> None:
        """Accepts events in order; returns before they are committed (see `settle`).

        Raises LeaseLost or StorageFailed once it is known that they cannot be.
        """
        while self.is_full(lease) and not lease.failure:
            self._room.clear()
            await self._room.wait()
        if lease.failure:
            raise lease.failure
        self._accept(lease, events, first_token=first_token, ending=ending)

    def write_now(self, lease: Lease, event: log.NewEvent, *, first_token: bool) -> bool:
        """Accepts one event as `write` does, if that need not wait; tells whether it did."""
        if lease.failure:
            raise lease.failure
        if self.is_full(lease):
            return False
        self._accept(lease, (event,), first_token=first_token, ending=None)
        return True

    def _accept(self, lease: Lease, events: Sequence[log.NewEvent], **more: Any) -> None:
        self._held_bytes += lease.buffer.add(events, **more)
        self._held += len(events)
        if lease not in self._dirty:
            self._dirty[lease] = None
            lease.since = time.monotonic()
            lease.settled.clear()
            self._wake.set()

    def is_full(self, lease: Lease) -> bool:
        """Tells whether a run must wait: one whose conversation is locked has to leave room for the
        others.
        """
        held, size, mine = self._held, self._held_bytes, lease.buffer
        events, most = self.conf.buffer_events, self.conf.buffer_bytes
        full = held >= events or size >= most
        return full or len(mine) * SHARES >= events or mine.size * SHARES >= most

    async def settle(self, lease: Lease) -> None:
        """Waits until everything written under this lease is committed."""
        if lease in self._dirty:
            await lease.settled.wait()
        if lease.failure:
            raise lease.failure

    def close(self) -> None:
        """Lets `run` return once everything is committed."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        """Flushes until closed. PostgreSQL may come and go; only a bug ends this with an error."""
        impatience = asyncio.create_task(self._lose_patience())
        try:
            self.connection = await self._connect()
            while await self._collected():
                started = time.monotonic()
                await self._flush(self.connection)
                await asyncio.sleep(self._rest(time.monotonic() - started))
        finally:
            impatience.cancel()
            await self._recovery.tasks.close()
            if self.connection:
                await self.connection.close()

    def _rest(self, spent: float) -> float:
        """Returns the seconds to collect before the next flush: longer when a flush took longer,
        since that shows a busy machine, which larger batches relieve most.
        """
        longest = self.conf.flush_rest_ms / 1000
        return max(self.conf.flush_floor_ms / 1000 - spent, min(RESTS * spent, longest))

    async def _lose_patience(self) -> None:
        """Gives up leases whose events wait too long. Their last statement may still be under way:
        the token that the run's end raises refuses it.
        """
        patience = self.conf.buffer_seconds
        while True:
            await asyncio.sleep(min(1.0, patience / 4))
            late = time.monotonic() - patience
            for lease in [each for each in self._dirty if each.since < late]:
                logger.error("writer: run %s waited %s s to be stored", lease.run_id, patience)
                self._fail(lease, StorageFailed("it took too long"))

    async def _collected(self) -> bool:
        while not self._dirty:
            if self._closing:
                return False
            self._wake.clear()
            await self._wake.wait()
        return True

    async def _flush(self, connection: AsyncConnection) -> None:
        if error := self._recovery.tasks.error:
            raise error
        leases = self._take()
        if not leases:
            return await asyncio.sleep(PAUSE)
        try:
            await self._append_all(connection, leases)
        except psycopg.Error as error:
            logger.warning("writer: %s", error)
            flying = [lease for lease in leases if lease.buffer.flying]
            if is_undone(connection, error):  # and no fault of the rows: a deadlock, a full disk
                for lease in flying:
                    lease.buffer.put_back()
                await asyncio.sleep(PAUSE)
            else:
                await connection.close()
                self.connection = await self._recovery.recover(flying)

    async def _append_all(self, connection: AsyncConnection, leases: list[Lease]) -> None:
        """Appends a batch. Raises errors that `is_away` knows; rows PostgreSQL cannot store fail
        their run.
        """
        try:
            await self._append(connection, leases)
        except psycopg.Error as error:
            if is_away(error):
                raise
            if len(leases) == 1:
                logger.error("writer: run %s cannot be stored: %s", leases[0].run_id, error)
                self._fail(leases[0], StorageFailed(type(error).__name__))
                return
            for lease in leases:
                await self._append_all(connection, [lease])

    def _take(self) -> list[Lease]:
        """Takes at most one lease of a conversation: a statement identifies leases by conversation,
        and a zombie's may stand beside its successor's.
        """
        taken: dict[int, Lease] = {}
        room, bytes_left = self.conf.flush_rows, self.conf.flush_bytes
        for lease in self._dirty:
            if room <= 0 or bytes_left <= 0:
                break
            if lease.conversation_id not in taken and not lease.buffer.flying:  # else not known yet
                bytes_left -= lease.buffer.take(room, bytes_left)
                room -= len(lease.buffer.flying)
                taken[lease.conversation_id] = lease
        return list(taken.values())

    async def _append(self, connection: AsyncConnection, leases: list[Lease]) -> None:
        batch = {lease.conversation_id: lease for lease in leases}
        for outcome in await log.append(connection, [lease.flight for lease in leases]):
            lease = batch[outcome.conversation_id]
            if lease.failure:
                continue
            if outcome.head is not None:
                self._landed(lease, outcome.head)
            elif outcome.verdict == "busy":
                lease.buffer.put_back()
                self._dirty[lease] = self._dirty.pop(lease)  # behind those that can be written
            else:
                self._fail(lease, LeaseLost(f"run {lease.run_id}"))
        self.flushes += 1

    def _landed(self, lease: Lease, head: int) -> None:
        landed = len(lease.buffer.flying)
        size = lease.buffer.flying_size
        self.rows += landed
        lease.landed(head)
        self._release(landed, size)
        if not lease.buffer.pending:
            del self._dirty[lease]
            lease.settled.set()
        else:
            self._dirty[lease] = self._dirty.pop(lease)

    def _fail(self, lease: Lease, failure: Exception) -> None:
        if lease.failure:
            return
        self._dirty.pop(lease, None)
        held, size = len(lease.buffer), lease.buffer.size
        lease.fail(failure)
        self._release(held, size)

    def _release(self, events: int, size: int) -> None:
        self._held -= events
        self._held_bytes -= size
        self._room.set()

    async def _connect(self) -> AsyncConnection:
        delay = 0.05
        while True:
            try:
                return await connect("writer", **HASHED)
            except psycopg.OperationalError as error:
                logger.warning("writer waits: %s", described(error))
                await asyncio.sleep(delay)
                delay = min(2.0, delay * 2)
