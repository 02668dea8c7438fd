"""A run in the hands of its worker, and the one way to write its events."""

from __future__ import annotations

from dataclasses import dataclass

from .. import log
from ..conf import Settings
from .answer import Answer
from .claimed_run import Claimed
from .lease import Lease
from .writer import Writer


@dataclass(frozen=True, slots=True)
class HeldRun:
    """The objects that every part of a run's work needs; `answer` grows with what is written."""

    claimed: Claimed
    lease: Lease
    writer: Writer
    answer: Answer
    conf: Settings

    @property
    def must_wait(self) -> bool:
        """Tells whether `write` would wait for the database now."""
        return self.writer.is_full(self.lease)

    def write_now(self, event: log.NewEvent, *, first_token: bool = False) -> bool:
        """Accepts an event as `write` does, if that need not wait; tells whether it did. Raises as
        `write`.
        """
        return self.writer.write_now(self.lease, event, first_token=first_token)

    async def write(
        self,
        *events: log.NewEvent,
        first_token: bool = False,
        ending: log.RunChange | None = None,
    ) -> None:
        """Accepts events in order; returns before they are committed. Raises LeaseLost or
        StorageFailed.
        """
        await self.writer.write(self.lease, *events, first_token=first_token, ending=ending)

    async def settle(self) -> None:
        """Waits until everything written is committed. Raises as `write`."""
        await self.writer.settle(self.lease)
