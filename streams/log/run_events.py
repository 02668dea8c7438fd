"""Decides which events the stream of one run shows, and which of them is the last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

STEERED = "run.steered"
TERMINAL = frozenset({"run.completed", "run.failed", "run.cancelled", STEERED})


class OneRun(NamedTuple):
    """A run whose events are followed: its key, and its UUID as events have it."""

    id: int
    uuid: str

    def shows(self, run_id: int | None, type: str, data: str | bytes) -> bool:
        """Tells whether an event is this run's. The one with which a prompt joins it is the end of
        another run too, whose key it is stored with.
        """
        if run_id == self.id:
            return True
        return type == STEERED and orjson.loads(data).get("run") == self.uuid

    def may_show(self, run_id: int | None, type: str) -> bool:
        """Tells whether `shows` has to be asked, which may read the data."""
        return run_id == self.id or type == STEERED

    def ends_with(self, run_id: int | None, type: str) -> bool:
        """Tells whether nothing of this run follows."""
        return run_id == self.id and type in TERMINAL

    def is_ended_by(self, type: str, data: Mapping[str, Any]) -> bool:
        """Tells whether an event that `shows` has let through is the last one."""
        return type in TERMINAL and data.get("absorbed", self.uuid) == self.uuid
