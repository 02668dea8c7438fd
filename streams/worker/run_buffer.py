"""A run's events that are not committed yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from .. import log


@dataclass(slots=True)
class RunBuffer:
    """Events that wait, in order, and those that are `flying`: sent, with nothing known about them
    yet. What becomes of the run's row goes with the last of them. Sizes are in bytes, about.
    """

    run_id: int
    pending: deque[log.NewEvent] = field(default_factory=deque)
    flying: list[log.NewEvent] = field(default_factory=list)
    flying_change: log.RunChange | None = None
    first_token: bool = False
    ending: log.RunChange | None = None
    size: int = 0
    flying_size: int = 0

    def __len__(self) -> int:
        return len(self.pending) + len(self.flying)

    def add(
        self,
        events: Sequence[log.NewEvent],
        *,
        first_token: bool = False,
        ending: log.RunChange | None = None,
    ) -> int:
        """Takes events in and returns their size; `first_token` says that the run's first one is
        among them, and `ending` what becomes of the run with the last.
        """
        self.pending.extend(events)
        added = sum([event.size for event in events])
        self.size += added
        self.first_token = self.first_token or first_token
        self.ending = ending
        return added

    def take(self, most: int, most_bytes: int) -> int:
        """Puts up to `most` events in flight, one at least; the ending goes with the last of them.
        Returns how many bytes that is, about.
        """
        size = 0
        while self.pending and len(self.flying) < most and size < most_bytes:
            self.flying.append(self.pending.popleft())
            size += self.flying[-1].size
        self.flying_size = size
        change = self.ending if not self.pending else None
        if change is None and self.first_token:
            change = log.RunChange(self.run_id)
        if change is not None:
            change.first_token = self.first_token
            size += sum(len(block["text"]) for block in change.blocks or ())
        self.flying_change = change
        return size

    def landed(self) -> None:
        """Forgets what was in flight: it is committed."""
        if self.flying_change is not None:
            self.first_token = False
        self.size -= self.flying_size
        self.flying, self.flying_change, self.flying_size = [], None, 0

    def put_back(self) -> None:
        """Takes back what was in flight: it did not commit."""
        self.pending.extendleft(reversed(self.flying))
        self.flying, self.flying_change, self.flying_size = [], None, 0

    def clear(self) -> None:
        self.pending.clear()
        self.flying, self.flying_change = [], None
        self.size = self.flying_size = 0
