"""Runs one answer: writes a provider's events to the log, obeys a stop, and always ends the run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from typing import Any, TypeVar

from .. import log
from ..agents.deadline import begun
from ..conf import Settings
from ..providers.base import Code, Finished, Prompt, Provider, ProviderError
from .abandoned_runs import give_up
from .agent_runs.agent_loop import AgentLoop, Pause
from .agent_runs.agent_work import Asked
from .answer import Answer
from .claimed_run import Claimed
from .heartbeat import Hold
from .held_run import HeldRun
from .lease import Lease, LeaseLost, StorageFailed
from .model_call import ModelCall, note
from .upstream_answer import Persist, UpstreamAnswer
from .usage import Usage, estimated
from .writer import Writer

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Stop(Enum):
    """Why a run is told to stop: someone cancelled it, its worker leaves, or its lease was lost."""

    CANCEL = "cancel"
    HAND_BACK = "hand back"
    LOST = "lost"


class Runner:
    """Streams one claimed run into the log. `run` returns when the run has ended, was handed back,
    or is no longer this worker's to end.

    Raises StorageFailed if PostgreSQL refused the run's own rows: then only the log knows what was
    shown.
    """

    def __init__(
        self, run: Claimed, writer: Writer, conf: Settings, persist: Persist | None = None
    ) -> None:
        self.claimed = run
        self.conf = conf
        held = run.conversation_id, run.run_id, run.token, run.head
        self.lease = Lease(*held, failed=lambda: self.stop(Stop.LOST))
        self.answer = Answer(conf)
        self.held = HeldRun(run, self.lease, writer, self.answer, conf)
        self.loop: AgentLoop | None = None
        self.upstream = UpstreamAnswer(run, self.lease, persist) if persist else None
        self._prompt: Prompt | None = None
        self._streaming: asyncio.Task[Finished | Pause] | None = None
        self._interrupted = self._leaving = False
        self._stop: asyncio.Future[tuple[Stop, Any]] = asyncio.get_running_loop().create_future()

    def stop(self, why: Stop, device: dict[str, str] | None = None) -> None:
        """Asks the run to end; the first reason counts."""
        if not self._stop.done():
            self._stop.set_result((why, device))

    def look_after(self, hold: Hold) -> None:
        """Does what no signal may have told: stops a run that is another worker's or is to be
        cancelled, and looks for decisions.
        """
        if not hold.mine:
            self.stop(Stop.LOST)
        elif hold.cancelled:
            self.stop(Stop.CANCEL, hold.device)
        else:
            self.hear()

    def interrupt(self) -> None:
        """Lets go of the provider now; `stop` gives the reason in a moment."""
        self._interrupted = True
        if self._streaming:
            self._streaming.cancel()

    async def unless_stopped(self, finding: Coroutine[Any, Any, T], persist: Persist) -> T | None:
        """Returns what the run works with, once that is found; None if it was stopped before, and
        nothing is left to do. Raises what `finding` raises.
        """
        found = asyncio.create_task(finding)
        try:
            either: set[asyncio.Future[Any]] = {found, self._stop}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if found.done():
                return found.result()
        finally:
            found.cancel()
        why, device = self._stop.result()
        if why is Stop.CANCEL:  # what earlier attempts have written is only in the log
            run = replace(self.claimed, token=self.lease.token)
            await persist(lambda connection: give_up(connection, run, None, device))
        elif why is Stop.HAND_BACK:
            with suppress(LeaseLost):
                await self._end(*self._paused(Pause.HAND_BACK))
        return None

    async def run(self, provider: Provider, prompt: Prompt) -> None:
        """Asks the model once."""
        call = ModelCall(self.held, upstream=self.upstream)
        self._prompt = prompt
        await self._run(provider, call.run(provider, prompt))

    async def run_agent(self, asked: Asked) -> None:
        """Runs an agent's loop, from where its steps and calls say that the run stands."""
        self.loop = AgentLoop(self.held, asked)
        self.loop.leaving = self._leaving
        self.upstream = self.loop.upstream
        await self._run(asked.provider, self.loop.run())

    def leave(self) -> None:
        """Asks an agent's run to be handed back between two of its steps."""
        self._leaving = True
        if self.loop:
            self.loop.leaving = True

    def hear(self) -> None:
        """Looks for decisions about calls of tools that wait for one."""
        if self.loop:
            self.loop.hear()

    async def _run(self, provider: Provider, work: Coroutine[Any, Any, Finished | Pause]) -> None:
        try:
            ending = await self._answer(provider, work)
            await self._end(*ending)
            if self.upstream and ending.change.status != "queued":
                await self.upstream.stop(provider)
        except LeaseLost:
            logger.warning("run %s: the lease is another worker's", self.claimed.uuid)

    async def _answer(
        self, provider: Provider, work: Coroutine[Any, Any, Finished | Pause]
    ) -> log.Ending:
        """Works until the model has finished, failed or been stopped; returns how it ended."""
        if self._interrupted or self._stop.done():
            work.close()
        else:
            streaming = self._streaming = begun(work)
            either: set[asyncio.Future[Any]] = {streaming, self._stop}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            # Cancelling the iteration closes the provider's socket: nobody pays for the rest.
            streaming.cancel()
            await asyncio.wait({streaming})
            if not (streaming.cancelled() or self.lease.failure):
                return self._finished(streaming, provider)
        # Interrupted by a signal about nothing, it would have no answer: back into the queue.
        await asyncio.wait({self._stop}, timeout=self.conf.lease)
        self.stop(Stop.HAND_BACK)
        if self.lease.failure:
            raise self.lease.failure
        if self.loop:  # stopped before it knew what is there, it would leave an empty answer
            await self.loop.load()
        return self._stopped(*self._stop.result())

    def _finished(
        self, streaming: asyncio.Future[Finished | Pause], provider: Provider
    ) -> log.Ending:
        error = streaming.exception()
        if error is None:
            end = streaming.result()
            if isinstance(end, Pause):
                return self._paused(end)
            if not self.answer.is_empty(end):
                return self._completed(end)
            error = ProviderError(Code.EMPTY, why=f"stop reason {end.stop_reason}")
        if isinstance(error, LeaseLost | StorageFailed):
            raise error
        if not isinstance(error, ProviderError):
            logger.error("run %s failed inside", self.claimed.uuid, exc_info=error)
            error = ProviderError(Code.INTERNAL)
        note(self.claimed, "failed as", provider, error)
        return self._failed(error)

    def _completed(self, end: Finished) -> log.Ending:
        usage = dict(self.loop.usage if self.loop else end.usage or self._used() or {})
        return self._ending.completed(end.stop_reason, usage)

    def _paused(self, why: Pause) -> log.Ending:
        """Lets go of a run that others go on with, and keeps what it has used."""
        run, status = self.claimed, "waiting" if why is Pause.WAIT else "queued"
        used = self.loop.used_for_good() if self.loop else None
        return log.let_go(run.run_id, run.uuid, status, run.attempt, used)

    def _failed(self, error: ProviderError) -> log.Ending:
        said = self.loop.has_said() if self.loop else len(self.answer) > 0
        costs = said or (self.upstream is not None and self.upstream.goes_on)
        return self._ending.failed(error, self._used() if costs else None)

    def _stopped(self, why: Stop, device: dict[str, str] | None) -> log.Ending:
        if why is Stop.LOST:
            raise LeaseLost
        if why is Stop.HAND_BACK:
            return self._paused(Pause.HAND_BACK)
        return self._ending.cancelled(device, self._used())

    def _used(self) -> Usage | None:
        """Returns what the run has used, of a model call that was broken off by estimate."""
        if self.loop:
            return self.loop.used()
        return estimated(self._prompt, self.answer.length_from(0)) if self._prompt else None

    @property
    def _ending(self) -> log.RunEnding:
        return self.claimed.ending(self.answer.blocks())

    async def _end(self, event: log.NewEvent, change: log.RunChange) -> None:
        """Ends open blocks and calls, then appends the one terminal event; committed when this
        returns.
        """
        closing = [
            self.claimed.event("block.ended", index=each) for each in sorted(self.answer.open)
        ]
        if self.loop and change.status not in ("queued", "waiting"):
            closing += await self.loop.closing()
        await self.held.write(*closing, event, ending=change)
        await self.held.settle()
