"""The worker process: claims runs, beats, listens, takes over and drains, in one asyncio loop."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TypeVar

import psycopg
from psycopg import AsyncConnection

from ..agents.deadline import contained
from ..conf import Settings
from ..gc_freeze import freeze_startup_objects
from ..postgres import channels
from ..postgres.availability import described, persist
from ..postgres.connections import pool
from ..postgres.listener import Listener
from ..providers.base import Code, ProviderError, UnknownModel
from ..providers.registry import prepare, resolve
from ..supervision import SupervisedTasks, finished_before
from . import abandoned_runs, claim, retention, run_dispatch, search_index, title
from .answer_runner import Runner, Stop
from .claim_batches import Claims
from .claimed_run import Claimed
from .heartbeat import Heartbeat
from .lease import StorageFailed
from .notifications.deliveries import Deliveries
from .takeover import take_over
from .upstream_cleanup import LeftUpstream
from .writer import Writer

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Worker:
    """Runs up to `conf.concurrency` answers, with no transaction open while a provider talks.

    `run` returns after `drain` was called and the last run has ended or been handed back."""

    def __init__(self, conf: Settings) -> None:
        self.conf = conf
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.running: dict[int, Runner] = {}
        self.writer = Writer(conf)
        self._wake = asyncio.Event()
        self._told = False  # that a run is queued
        self.listener = Listener("worker", (channels.WORK,), self._heard, self._wake.set)
        self.pool = pool("worker", most=3)
        self.heartbeat = Heartbeat(self.name, conf)
        self.deliveries = Deliveries(self.pool, conf)
        self.titles = title.Titles(self.pool, conf)
        self._draining = asyncio.Event()
        self._claiming = asyncio.Lock()
        self.claims = Claims()
        self._early_cancels: set[int] = set()
        self._drain_until = 0.0
        self.answers = SupervisedTasks(self.hand_back)
        self.loops = SupervisedTasks(self.hand_back)
        self.left = LeftUpstream(conf, self.loops, self._persist)

    def drain(self) -> None:
        """Stops claiming and lets running answers finish; called again, hands them back at once."""
        self._leave_in(0.0 if self._draining.is_set() else self.conf.drain)

    def hand_back(self) -> None:
        """Stops claiming, and hands running answers back at once, or leaves them to take-overs."""
        self._leave_in(0.0)

    def _leave_in(self, seconds: float) -> None:
        self._drain_until = time.monotonic() + seconds
        self._draining.set()
        self._wake.set()

    async def run(self) -> None:
        """Works until drained. Raises what broke, after handing back what could be."""
        prepare()
        freeze_startup_objects()
        await self.pool.open()
        if not await finished_before(self._draining, self._persist(self.heartbeat.register)):
            await self.pool.close()  # told to leave while PostgreSQL was still away
            return
        writing = self.loops.start(self.writer.run())
        checking = self.listener.keep_checked(self.pool, self.conf.stream_rescan)
        tidying = retention.tidy(self.conf), search_index.keep(self.pool)
        watching = self.heartbeat.run(self._draining), self._watch(), self.deliveries.run()
        for part in (self.listener.run(), checking, *tidying, *watching):
            self.loops.start(part)
        logger.info("worker %s: ready for %s runs", self.name, self.conf.concurrency)
        try:
            await self._claim_until_draining()
            await self._finish()
        finally:
            await self.loops.close(but=writing)  # which is last, once everything is committed
            await self._leave(writing)
        if error := self.loops.error or self.answers.error:
            raise error

    async def _leave(self, writing: asyncio.Task[None]) -> None:
        """Signs off. With PostgreSQL away nobody can be told, and the lease runs out instead."""
        self.writer.close()
        try:
            async with asyncio.timeout(self.conf.lease):
                await asyncio.wait({writing})
                await self._persist(self.heartbeat.goodbye)
        except TimeoutError:
            logger.warning("worker %s: left without a goodbye", self.name)
        await self.pool.close()

    async def _claim_until_draining(self) -> None:
        while not self._draining.is_set():
            self._wake.clear()
            again = self.conf.worker_rescan
            try:
                again = self.conf.locked_retry if await self._claim() else again
            except psycopg.Error as error:
                logger.warning("worker %s: cannot claim: %s", self.name, await described(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), again)

    async def _claim(self) -> bool:
        """Claims as many runs as there is room for; tells whether one was passed over."""
        if (room := self.conf.concurrency - len(self.running)) <= 0:
            return False
        told, self._told = self._told, False
        async with self.pool.connection() as connection:
            if not (told or await claim.is_waiting(connection)):
                return False  # without a transaction, as nearly whenever a run has ended
            async with self._taking():
                self._begin(*await self.claims.take(connection, self.heartbeat.worker_id, room))
            return len(self.running) < self.conf.concurrency and await self.claims.rest(connection)

    @asynccontextmanager
    async def _taking(self) -> AsyncIterator[None]:
        """Guards the time from claiming to `_begin`: a run is ours and not yet in `running`."""
        async with self._claiming:
            self._early_cancels.clear()
            yield

    def _begin(self, runs: list[Claimed], histories: Mapping[int, str]) -> None:
        for run in runs:
            if zombie := self.running.get(run.run_id):
                zombie.stop(Stop.LOST)
            runner = self.running[run.run_id] = Runner(run, self.writer, self.conf, self._persist)
            self.answers.start(self._answer(runner, histories.get(run.run_id)))
            if run.run_id in self._early_cancels:
                self.answers.start(self._cancel(run.run_id))

    async def _answer(self, runner: Runner, history: str | None) -> None:
        run = runner.claimed
        try:
            provider, model = resolve(run.model)
            asked = run_dispatch.ask(runner, provider, model, history, self.conf, self._persist)
            await contained(asked)
        except (UnknownModel, ProviderError) as error:
            logger.warning("run %s failed: %s", run.uuid, error)
            await self._fail(runner, Code.BAD_REQUEST)
        except StorageFailed:
            await self._fail(runner, Code.STORAGE)
        except Exception:
            logger.exception("run %s broke", run.uuid)
            await self._fail(runner, Code.INTERNAL)
        finally:
            if self.running.get(run.run_id) is runner:
                del self.running[run.run_id]
            self._wake.set()
            self.deliveries.wake()
            self.loops.start(self.titles.give(run))

    async def _fail(self, runner: Runner, code: Code) -> None:
        run = replace(runner.claimed, token=runner.lease.token)
        await self._persist(lambda connection: abandoned_runs.give_up(connection, run, code))

    async def _persist(self, act: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        return await persist(self.pool, self.conf.worker_rescan, act)

    async def _watch(self) -> None:
        """Looks slowly, behind the signals, for cancels, lost leases and leases to take over. At
        once, since it may have been started for one that was killed."""
        while True:
            try:
                async with self.pool.connection() as connection:
                    await self._look_after(connection)
                    await self._take_over(connection)
                    await self.left.look(connection, self.heartbeat.worker_id, self.running)
            except psycopg.Error as error:
                logger.warning("worker %s: cannot look: %s", self.name, error)
            await asyncio.sleep(self.conf.worker_rescan)

    async def _look_after(self, connection: AsyncConnection) -> None:
        for hold in await self.heartbeat.holds(connection, list(self.running)):
            if runner := self.running.get(hold.run_id):
                runner.look_after(hold)

    async def _take_over(self, connection: AsyncConnection) -> None:
        if self._draining.is_set():
            return
        room = max(0, self.conf.concurrency - len(self.running))
        silent_too = self.heartbeat.seasoned
        async with self._taking():
            mine = self.heartbeat.worker_id, list(self.running)
            runs = await take_over(connection, *mine, room, self.conf, silent_too=silent_too)
            self._begin(runs, {})
        for run in runs:
            logger.warning("run %s: taken over, attempt %s", run.uuid, run.attempt)

    def _heard(self, channel: str, payload: str) -> None:
        what, _, which = payload.partition(" ")
        if what == "queued":
            self._told = True
            self._wake.set()
        elif what == "decided" and which.isdecimal() and int(which) in self.running:
            self.running[int(which)].hear()
        elif what == "cancel" and which.isdecimal():
            if int(which) in self.running:
                self.answers.start(self._cancel(int(which)))
            elif self._claiming.locked():  # committed already, but not yet known here
                self._early_cancels.add(int(which))

    async def _cancel(self, run_id: int) -> None:
        if (runner := self.running.get(run_id)) is None:
            return
        runner.interrupt()
        try:
            async with self.pool.connection() as connection:
                await self._look_after(connection)
        except psycopg.Error:
            logger.warning("worker %s: cancel of %s waits for the next look", self.name, run_id)

    async def _finish(self) -> None:
        """Waits for runs to end until the drain is over, then hands the rest back."""
        logger.info("worker %s: draining %s runs", self.name, len(self.answers.running))
        for runner in self.running.values():
            runner.leave()
        while self.answers.running and time.monotonic() < self._drain_until:
            await asyncio.wait(self.answers.running, timeout=0.1)
        for runner in list(self.running.values()):
            runner.stop(Stop.HAND_BACK)
        if self.answers.running:
            await asyncio.wait(self.answers.running, timeout=self.conf.lease)
            with suppress(psycopg.Error):
                async with self.pool.connection() as connection:
                    await connection.execute("SELECT pg_notify(%s, 'queued')", [channels.WORK])
