"""The endings of a run: the event that reports each, and what changes in the run's row with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from .appending import NewEvent, RunChange

Blocks = Sequence[Mapping[str, Any]]
Usage = Mapping[str, int]


class Ending(NamedTuple):
    event: NewEvent
    change: RunChange


class Failure(Protocol):
    """Why a run fails: its `code`, the sentence that `str` of it is, and whether the same prompt
    may be tried again. `source` is for operators alone.
    """

    @property
    def code(self) -> str: ...
    @property
    def retryable(self) -> bool: ...
    @property
    def source(self) -> str: ...


@dataclass(frozen=True, slots=True)
class RunEnding:
    """Makes the endings of one run, with what its answer has by then."""

    run_id: int
    uuid: str
    answer_id: int
    blocks: Blocks

    def completed(self, stop_reason: str, usage: Usage) -> Ending:
        event = self._event("completed", stop_reason=stop_reason, usage=usage)
        return Ending(event, self._change("completed", stop_reason=stop_reason, usage=usage))

    def failed(self, failure: Failure, usage: Usage | None = None) -> Ending:
        code, message, retryable = str(failure.code), str(failure), failure.retryable
        event = self._event("failed", code=code, message=message, retryable=retryable)
        change = self._change(
            "failed",
            usage=usage,
            error_code=code,
            error_message=message,
            vendor_error=failure.source,
            retryable=retryable,
        )
        return Ending(event, change)

    def cancelled(self, device: Mapping[str, str] | None, usage: Usage | None = None) -> Ending:
        event = self._event("cancelled", **({"device": device} if device else {}))
        return Ending(event, self._change("cancelled", usage=usage))

    def _event(self, status: str, **data: Any) -> NewEvent:
        return NewEvent(f"run.{status}", {"run": self.uuid, **data}, self.run_id)

    def _change(self, status: str, **columns: Any) -> RunChange:
        columns |= {"answer_id": self.answer_id, "blocks": self.blocks}
        return RunChange(self.run_id, status=status, **columns)


def let_go(run_id: int, uuid: str, status: str, attempt: int, usage: Usage | None = None) -> Ending:
    """Lets go of a run that others go on with: `queued`, or `waiting` for people."""
    event = NewEvent(f"run.{status}", {"run": uuid, "attempt": attempt}, run_id)
    return Ending(event, RunChange(run_id, status=status, usage=usage))
