"""A run's right to append, and its events that are not committed yet."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from .. import log


class LeaseLost(Exception):
    """Raised when another worker holds this run's lease; nothing more may be written for it."""


class StorageFailed(Exception):
    """Raised when PostgreSQL refused this run's events, or was away for longer than the writer
    waits.
    """


@dataclass(eq=False, slots=True)
class Lease:
    """The right to append for one run, and what has not been committed under it yet.

    `token` must be the conversation's; `acked` is the last number known to be committed, and
    `since` the moment from which on something has been waiting. `failed` is called when nothing
    more can be written, so that nobody goes on paying for tokens that will not be kept.
    """

    conversation_id: int
    run_id: int
    token: int
    acked: int
    pending: deque[log.NewEvent] = field(default_factory=deque)
    flying: list[log.NewEvent] = field(default_factory=list)
    first_token: bool = False
    ending: log.RunChange | None = None
    flying_change: log.RunChange | None = None
    failure: Exception | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    since: float = 0.0
    failed: Callable[[], None] | None = None

    @property
    def flight(self) -> log.Append:
        return log.Append(self.conversation_id, self.flying, self.token, self.flying_change)

    @property
    def held(self) -> int:
        """Counts the events that wait here to be committed."""
        return len(self.pending) + len(self.flying)

    def take(self, most: int, most_bytes: int) -> int:
        """Put up to `most` events in flight, one at least; the ending goes with the last of them.
        Returns how many bytes that is, as near as the length of their JSON comes to it."""
        size = 0
        while self.pending and len(self.flying) < most and size < most_bytes:
            self.flying.append(self.pending.popleft())
            size += len(self.flying[-1].json)
        change = self.ending if not self.pending else None
        if change is None and self.first_token:
            change = log.RunChange(self.run_id)
        if change is not None:
            change.first_token = self.first_token
            size += sum(len(block["text"]) for block in change.blocks or ())
        self.flying_change = change
        return size

    def landed(self, head: int) -> None:
        self.acked = head
        if self.flying_change is not None:
            self.first_token = False
        self.flying, self.flying_change = [], None
        self.since = time.monotonic()

    def put_back(self) -> None:
        self.pending.extendleft(reversed(self.flying))
        self.flying, self.flying_change = [], None

    def fail(self, failure: Exception) -> None:
        self.failure = failure
        self.pending.clear()
        self.flying, self.flying_change = [], None
        self.settled.set()
        if self.failed:
            self.failed()
