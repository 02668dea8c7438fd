from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from django.db.models import Model

from streams.postgres import clock


class RunTimings:
    """Durations and speed of a run, computed from its columns."""

    if TYPE_CHECKING:
        started_at: Any
        first_token_at: Any
        ended_at: Any
        status: Any
        steps: Any
        worked: Any
        usage: Any

    @property
    def time_to_first_token(self) -> timedelta | None:
        if self.started_at and self.first_token_at:
            waited: timedelta = self.first_token_at - self.started_at
            return waited if waited >= timedelta() else None  # it has started again since
        return None

    @property
    def duration(self) -> timedelta | None:
        """Returns how long it took; of a run with steps, how long it worked."""
        if self.started_at is None:
            return None
        if self.steps:
            return timedelta(seconds=self.at_work)
        spent: timedelta = (self.ended_at or clock.of(cast(Model, self))) - self.started_at
        return spent

    @property
    def at_work(self) -> float:
        """Returns the seconds it has been running so far, without those it waited for people."""
        going = self.status == "running" and self.started_at
        since = (clock.of(cast(Model, self)) - self.started_at).total_seconds() if going else 0.0
        return float(self.worked + max(since, 0.0))

    @property
    def output_tokens(self) -> int:
        """Returns the count of output tokens, or 0 if unknown or not a number."""
        tokens = self.usage.get("output_tokens")
        return tokens if type(tokens) is int and 0 < tokens < 2**53 else 0

    @property
    def tokens_per_second(self) -> float | None:
        """Returns how fast it wrote, or None; that of a run with steps would be its tools'."""
        tokens = self.output_tokens
        if self.steps or not (tokens and self.first_token_at and self.ended_at):
            return None
        seconds = (self.ended_at - self.first_token_at).total_seconds()
        return tokens / seconds if seconds > 0 else None
