"""One answer as a site's own code sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast
from uuid import UUID

from asgiref.sync import sync_to_async
from django.utils.asyncio import async_unsafe

from streams import log, models, quotas
from streams.exceptions import InTransaction, NotFound, StillRunning
from streams.log import OneRun, transcript
from streams.postgres.database import connection
from streams.user_model import key_text

from .following import Follow
from .log_reader import log_reader
from .tool_call import ToolCall

Status = Literal["queued", "running", "waiting", "completed", "failed", "cancelled", "steered"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an answer failed. `code` is listed in docs/reference/events.md, `message` may be shown to
    people, and `retryable` tells whether to try again.
    """

    code: str
    message: str
    retryable: bool


class Run:
    """One answer being generated. Attributes are as of the last reading; `refresh` reads anew."""

    def __init__(self, run: models.Run) -> None:
        self._read(run)

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.status}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def _read(self, run: models.Run, text: str | None = None) -> None:
        self._run = run
        #: What has been said so far, without thoughts.
        self.text: str = run.answer.text if text is None else text

    @property
    def id(self) -> UUID:
        """Its own, by which `Chat.run` finds it again."""
        return self._run.uuid

    @property
    def status(self) -> Status:
        """`queued`, `running`, `waiting` (for people), `completed`, `failed`, `cancelled`, or
        `steered`: its prompt joined the answer before it.
        """
        return cast(Status, self._run.status)

    @property
    def ended(self) -> bool:
        """Tells whether it is completed, failed, cancelled or steered."""
        return self._run.status not in models.Run.OPEN

    @property
    def prompt(self) -> str:
        """The text that was asked."""
        return self._run.prompt.text

    @property
    def model(self) -> str:
        """The `provider:model` name that answers."""
        return self._run.model

    @property
    def stop_reason(self) -> str:
        """Why a completed answer stopped, such as `end_turn` or `max_tokens`; "" before."""
        return self._run.stop_reason

    @property
    def error(self) -> Failure | None:
        """Why it failed; None if it did not."""
        if self._run.status != models.Run.Status.FAILED:
            return None
        return Failure(self._run.error_code, self._run.error_message, self._run.retryable)

    @property
    def usage(self) -> Mapping[str, int]:
        """Token counts so far, final once the run has ended: `input_tokens`, `output_tokens` and
        others the model told.
        """
        return cast(Mapping[str, int], self._run.usage)

    def calls(self) -> list[ToolCall]:
        """Returns the calls of tools that an agent's model asked for, in order."""
        found = self._run.calls.select_related("run__conversation").order_by("block")
        return [ToolCall(call) for call in found]

    async def acalls(self) -> list[ToolCall]:
        """Asynchronous twin of `calls`."""
        return await sync_to_async(self.calls)()

    def refresh(self) -> Run:
        """Reads the answer anew, also the text of one being written, and returns itself.

        Raises NotFound if its conversation was purged.
        """
        known = models.Run.objects.select_related("conversation", "prompt", "answer")
        run = known.filter(pk=self._run.pk).first()
        if run is None:
            raise NotFound("This answer has been deleted.")
        text = None
        if run.status in models.Run.OPEN and run.attempt:
            blocks = transcript.blocks_of(log.run_rows(run.conversation_id, run.pk))
            text = "".join(block["text"] for block in blocks if block["kind"] == "text")
        self._read(run, text)
        return self

    async def arefresh(self) -> Run:
        """Asynchronous twin of `refresh`."""
        return await sync_to_async(self.refresh)()

    @async_unsafe
    def wait(self, timeout: float | None = None) -> Run:
        """Waits at most `timeout` seconds for its end and returns itself. It works in any process,
        and is woken by a signal instead of polling.

        Raises StillRunning, a TimeoutError, if it has not ended by then; InTransaction inside a
        transaction, which may be what keeps the run from starting; and NotFound if its conversation
        was purged.
        """
        if self._is_over():
            return self
        with log_reader() as reader:
            try:
                reader.wait_for(reader.run_ended(*self._awaited), timeout)
            except TimeoutError:
                raise StillRunning(f"Not ended within {timeout:g} s.") from None
        return self.refresh()

    async def await_(self, timeout: float | None = None) -> Run:  # noqa: ASYNC109
        """Asynchronous twin of `wait`."""
        if await sync_to_async(self._is_over)():
            return self
        with log_reader() as reader:
            try:
                async with asyncio.timeout(timeout):
                    await reader.finished(reader.run_ended(*self._awaited))
            except TimeoutError:
                raise StillRunning(f"Not ended within {timeout:g} s.") from None
        return await self.arefresh()

    def _is_over(self) -> bool:
        if self.refresh().ended:
            return True
        if connection().in_atomic_block:
            raise InTransaction("Wait for an answer after the transaction that asked for it.")
        return False

    @property
    def _awaited(self) -> tuple[int, str]:
        return self._run.pk, key_text(self._run.conversation.owner_id)

    def follow(self, *, after: int = 0) -> Follow:
        """Returns its events after the cursor `after` up to its last one, for `for` and `async
        for`.
        """
        before = self._run.answer.seq - 1  # its first event, run.queued, numbers the answer too
        run = OneRun(self._run.pk, str(self._run.uuid))
        return Follow(self._run.conversation_id, max(after, before), run)

    def cancel(self) -> Run:
        """Stops it wherever it is and returns itself. Its text so far stays; cancelling twice or
        too late is no error. A running one is only told to stop: `wait` for its end.
        """
        quotas.lock_owner_ahead(self._run.conversation.owner_id)
        self._run.cancel(None)
        return self.refresh()

    async def acancel(self) -> Run:
        """Asynchronous twin of `cancel`."""
        return await sync_to_async(self.cancel)()

    def retry(self) -> Run:
        """Starts a new answer to the same prompt, in the caller's transaction if there is one.

        Raises NotRetryable while this one is open or if it was cancelled before it began,
        TooManyRuns, BudgetSpent, and ConversationFull.
        """
        return Run(self._run.retry(None)).refresh()

    async def aretry(self) -> Run:
        """Asynchronous twin of `retry`."""
        return await sync_to_async(self.retry)()
