"""A run's right to append, by its token. `heartbeat` renews all leases of a worker at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .. import log
from .run_buffer import RunBuffer


class LeaseLost(Exception):
    """Raised when another worker holds this run's lease; nothing more may be written for it."""


class StorageFailed(Exception):
    """Raised when PostgreSQL refused this run's events, or was away for longer than the writer
    waits.
    """


@dataclass(eq=False, slots=True)
class Lease:
    """The right to append for one run.

    `token` must be the conversation's; `acked` is the last number known to be committed, and
    `since` the moment from which on something has been waiting in its `buffer`. `failed` is called
    when nothing more can be written, so that nobody goes on paying for tokens that will not be
    kept.
    """

    conversation_id: int
    run_id: int
    token: int
    acked: int
    failed: Callable[[], None] | None = None
    failure: Exception | None = field(init=False, default=None)
    since: float = field(init=False, default=0.0)
    settled: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    buffer: RunBuffer = field(init=False)

    def __post_init__(self) -> None:
        self.buffer = RunBuffer(self.run_id)

    @property
    def flight(self) -> log.Append:
        sent = self.buffer
        return log.Append(self.conversation_id, sent.flying, self.token, sent.flying_change)

    def landed(self, head: int) -> None:
        self.acked = head
        self.buffer.landed()
        self.since = time.monotonic()

    def fail(self, failure: Exception) -> None:
        self.failure = failure
        self.buffer.clear()
        self.settled.set()
        if self.failed:
            self.failed()
