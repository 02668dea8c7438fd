"""Runs one answer: writes a provider's events to the log, obeys a stop, and always ends the run."""

from __future__ import annotations

import asyncio
import logging
from enum import Enum
from typing import Any

import stamina

from .. import log
from ..conf import Settings
from ..providers.base import (
    TRANSIENT,
    Alive,
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Code,
    Finished,
    Prompt,
    Provider,
    ProviderError,
    Upstream,
)
from ..text import clean
from .answer import Answer, BlockEvent, begun
from .claim import Claimed
from .lease import Lease, LeaseLost, StorageFailed
from .silence import SilenceDeadline
from .writer import Writer

logger = logging.getLogger(__name__)


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

    def __init__(self, run: Claimed, writer: Writer, conf: Settings) -> None:
        self.claimed = run
        self.writer = writer
        self.conf = conf
        self.lease = Lease(run.conversation_id, run.run_id, run.token, run.head)
        self.lease.failed = lambda: self.stop(Stop.LOST)
        self.answer = Answer(conf)
        self.shown = False
        self._spoken = False
        self._streaming: asyncio.Task[Finished] | None = None
        self._interrupted = False
        self._stop: asyncio.Future[tuple[Stop, Any]] = asyncio.get_running_loop().create_future()

    def stop(self, why: Stop, device: dict[str, str] | None = None) -> None:
        """Asks the run to end; the first reason counts."""
        if not self._stop.done():
            self._stop.set_result((why, device))

    def interrupt(self) -> None:
        """Lets go of the provider now; `stop` gives the reason in a moment."""
        self._interrupted = True
        if self._streaming:
            self._streaming.cancel()

    async def run(self, provider: Provider, prompt: Prompt) -> None:
        try:
            await self._end(*await self._answer(provider, prompt))
        except LeaseLost:
            logger.warning("run %s: the lease is another worker's", self.claimed.uuid)

    async def _answer(
        self, provider: Provider, prompt: Prompt
    ) -> tuple[log.NewEvent, log.RunChange]:
        """Streams until the provider has finished, failed or been stopped; returns how it ended."""
        if not (self._interrupted or self._stop.done()):
            streaming = self._streaming = asyncio.create_task(self._stream(provider, prompt))
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
        return self._stopped(*self._stop.result())

    async def _stream(self, provider: Provider, prompt: Prompt) -> Finished:
        """Writes the provider's events to the log; asks again only while nothing was shown."""
        tries = self.conf.provider_retries
        async for attempt in stamina.retry_context(
            on=self._worth_another_try,
            attempts=tries,
            timeout=None,
            wait_initial=0.5,
            wait_max=20.0,
        ):
            with attempt:
                try:
                    return await self._stream_once(provider, prompt)
                except ProviderError as error:
                    if attempt.num < tries and self._worth_another_try(error) is not False:
                        self._log("is asked again after", provider, error)
                    raise
        raise AssertionError("unreachable")

    def _worth_another_try(self, error: Exception) -> bool | float:
        if self.shown or not isinstance(error, ProviderError) or error.code not in TRANSIENT:
            return False
        return True if error.retry_after is None else min(error.retry_after, 60.0)

    async def _stream_once(self, provider: Provider, prompt: Prompt) -> Finished:
        events = provider.stream(prompt)
        end: Finished | None = None
        try:
            async with asyncio.timeout(self.conf.first_token_timeout) as timer:
                patience = SilenceDeadline(timer, self.conf)
                # To the very end, so that the provider can keep its connection.
                async for event in events:
                    if isinstance(event, Finished):
                        end = event
                        continue
                    if isinstance(event, Alive | Upstream):
                        patience.alive()
                        continue
                    if self.writer.is_full(self.lease):
                        timer.reschedule(None)  # the database's silence, not the model's
                    fitting = self.answer.fitting(event)
                    if fitting is not None:
                        await self._keep(fitting)
                    patience.said()
                    if fitting is not event:
                        end = Finished("max_tokens")
                        break
        except TimeoutError as error:
            if end is None:
                raise ProviderError(Code.TIMEOUT, why="silence") from error
        finally:
            await events.aclose()
        if end is None:
            raise ProviderError(Code.PROTOCOL, why="no end")
        return end

    async def _keep(self, event: BlockEvent) -> None:
        """Writes to the log before remembering: a run stopped while it waits for room in the writer
        must not remember what was never written.
        """
        if isinstance(event, BlockDelta):
            text = clean(event.text)
            row = self.claimed.event("block.delta", index=event.index, text=text)
            await self.writer.write(self.lease, row, first_token=not self._spoken)
            self._spoken = True
            self.answer.grow(event.index, text)
        elif isinstance(event, BlockStarted):
            block = begun(event)
            await self.writer.write(self.lease, self.claimed.event("block.started", **block))
            self.answer.start(block)
            self.shown = True
        elif isinstance(event, BlockEnded):
            row = self.claimed.event("block.ended", index=event.index)
            await self.writer.write(self.lease, row)
            self.answer.end(event.index)

    def _finished(
        self, streaming: asyncio.Future[Finished], provider: Provider
    ) -> tuple[log.NewEvent, log.RunChange]:
        error = streaming.exception()
        if error is None:
            end = streaming.result()
            if not self.answer.is_empty(end):
                return self._completed(end)
            error = ProviderError(Code.EMPTY, why=f"stop reason {end.stop_reason}")
        if isinstance(error, LeaseLost | StorageFailed):
            raise error
        if not isinstance(error, ProviderError):
            logger.error("run %s failed inside", self.claimed.uuid, exc_info=error)
            error = ProviderError(Code.INTERNAL)
        self._log("failed as", provider, error)
        return self._failed(error)

    def _log(self, what: str, provider: Provider, error: ProviderError) -> None:
        """Logs the failure for operators, with details that users are not shown."""
        run = self.claimed.uuid
        logger.warning("run %s: %s %s %s", run, provider.name, what, error.described())

    def _completed(self, end: Finished) -> tuple[log.NewEvent, log.RunChange]:
        change = self._change("completed")
        change.stop_reason, change.usage = end.stop_reason, end.usage
        event = self.claimed.event(
            "run.completed", stop_reason=end.stop_reason, usage=dict(end.usage)
        )
        return event, change

    def _failed(self, error: ProviderError) -> tuple[log.NewEvent, log.RunChange]:
        change = self._change("failed")
        change.error_code, change.error_message = str(error.code), str(error)
        change.retryable, change.vendor_error = error.retryable, error.source
        event = self.claimed.event(
            "run.failed", code=str(error.code), message=str(error), retryable=error.retryable
        )
        return event, change

    def _stopped(
        self, why: Stop, device: dict[str, str] | None
    ) -> tuple[log.NewEvent, log.RunChange]:
        if why is Stop.LOST:
            raise LeaseLost
        if why is Stop.HAND_BACK:
            change = log.RunChange(self.claimed.run_id, status="queued")
            return self.claimed.event("run.queued", attempt=self.claimed.attempt), change
        caused = {"device": device} if device else {}
        return self.claimed.event("run.cancelled", **caused), self._change("cancelled")

    def _change(self, status: str) -> log.RunChange:
        return log.RunChange(
            self.claimed.run_id,
            status=status,
            answer_id=self.claimed.answer_id,
            blocks=self.answer.blocks(),
        )

    async def _end(self, event: log.NewEvent, change: log.RunChange) -> None:
        """Ends open blocks, then appends the one terminal event; committed when this returns."""
        closing = [
            self.claimed.event("block.ended", index=each) for each in sorted(self.answer.open)
        ]
        await self.writer.write(self.lease, *closing, event, ending=change)
        await self.writer.settle(self.lease)
