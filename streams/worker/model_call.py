"""One call of a model: its events, written to the log of a run."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import stamina

from ..log.transcript import Block
from ..providers.base import (
    TRANSIENT,
    Alive,
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Code,
    Finished,
    Kind,
    Prompt,
    Provider,
    ProviderError,
    Upstream,
)
from ..text_cleaning import clean
from . import attached_files
from .answer import BlockEvent, begun
from .claimed_run import Claimed
from .held_run import HeldRun
from .model_timeout import SilenceDeadline
from .upstream_answer import UpstreamAnswer

logger = logging.getLogger(__name__)


class ModelCall:
    """Asks a model once and writes what it says behind the blocks that `answer` has already.

    `run` asks again after a passing failure, but only while nothing of this call has been shown.
    `vendor_ids` are the ids of its calls of tools as the vendor knows them, by block. With
    `distinct` one that came before in this answer is shown under another.
    """

    def __init__(
        self,
        held: HeldRun,
        *,
        distinct: bool = False,
        upstream: UpstreamAnswer | None = None,
    ) -> None:
        self.held = held
        self.answer = held.answer
        self.distinct = distinct
        self.upstream = upstream
        self.shown = False
        self.first = len(held.answer)
        self.vendor_ids: dict[int, str] = {}

    async def run(self, provider: Provider, prompt: Prompt) -> Finished:
        """Returns how the call ended. Raises ProviderError, and what the writer raises."""
        tries = self.held.conf.provider_retries
        async for attempt in stamina.retry_context(
            on=self._worth_another_try,
            attempts=tries,
            timeout=None,
            wait_initial=0.5,
            wait_max=20.0,
        ):
            with attempt:
                try:
                    return await self._once(provider, prompt)
                except ProviderError as error:
                    if attempt.num < tries and self._worth_another_try(error) is not False:
                        note(self.held.claimed, "is asked again after", provider, error)
                    raise
        raise AssertionError("unreachable")

    def _worth_another_try(self, error: Exception) -> bool | float:
        if self.shown or not isinstance(error, ProviderError) or error.code not in TRANSIENT:
            return False
        return True if error.retry_after is None else min(error.retry_after, 60.0)

    async def _once(self, provider: Provider, prompt: Prompt) -> Finished:
        if self.upstream:
            prompt = await self.upstream.continued(prompt)
        prompt = await attached_files.loaded(prompt, self.held.claimed.model, self.held.conf)
        events = provider.stream(prompt)
        end: Finished | None = None
        try:
            async with asyncio.timeout(self.held.conf.first_token_timeout) as timer:
                patience = SilenceDeadline(timer, self.held.conf)
                # To the very end, so that the provider can keep its connection.
                async for event in events:
                    if type(event) is BlockDelta and self._wrote(event):  # as nearly always
                        patience.said()
                        continue
                    if isinstance(event, Finished):
                        end = self._ended(event)
                        continue
                    if isinstance(event, Alive | Upstream):
                        if isinstance(event, Upstream) and self.upstream:
                            await self.upstream.keep(prompt, event.id)
                        patience.alive()
                        continue
                    if self.held.must_wait:
                        timer.reschedule(None)  # the database's silence, not the model's
                    placed = self._placed(event) if self.first else event
                    fitting = self.answer.fitting(placed)
                    if fitting is not None:
                        await self._keep(fitting)
                    patience.said()
                    if fitting is not placed:
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

    def _ended(self, end: Finished) -> Finished:
        if self.upstream:
            self.upstream.finished()
        return end

    def _placed(self, event: BlockEvent) -> BlockEvent:
        """Moves an event of this call, whose blocks are counted from 0, behind earlier blocks."""
        return replace(event, index=event.index + self.first)

    def _wrote(self, delta: BlockDelta) -> bool:
        """Writes and remembers text that fits, if the writer has room for it now. Tells whether it
        did; if not, `_keep` does it.
        """
        if len(delta.text) > self.answer.room:
            return False
        index, text = delta.index + self.first, clean(delta.text)
        row = self.held.claimed.delta(index, text)
        if not self.held.write_now(row, first_token=not self.answer.spoken):
            return False
        self.answer.spoken = True
        self.answer.grow(index, text)
        return True

    async def _keep(self, event: BlockEvent) -> None:
        """Writes to the log before remembering: a run stopped while it waits for room in the writer
        must not remember what was never written.
        """
        if isinstance(event, BlockDelta):
            text = clean(event.text)
            row = self.held.claimed.delta(event.index, text)
            await self.held.write(row, first_token=not self.answer.spoken)
            self.answer.spoken = True
            self.answer.grow(event.index, text)
        elif isinstance(event, BlockStarted):
            block = self._begun(event)
            await self.held.write(self.held.claimed.event("block.started", **block))
            self.answer.start(block)
            self.shown = True
        elif isinstance(event, BlockEnded):
            row = self.held.claimed.event("block.ended", index=event.index)
            await self.held.write(row)
            self.answer.end(event.index)

    def _begun(self, event: BlockStarted) -> Block:
        block = begun(event)
        if event.kind is Kind.TOOL_CALL and self.distinct:
            self.vendor_ids[event.index] = block["call_id"]
            block["call_id"] = self.answer.distinct(block["call_id"], event.index)
        return block


def note(run: Claimed, what: str, provider: Provider, error: ProviderError) -> None:
    """Logs a failure for operators, with details that users are not shown."""
    logger.warning("run %s: %s %s %s", run.uuid, provider.name, what, error.described())
