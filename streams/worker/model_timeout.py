"""Limits how long a model may say nothing, after its last token or while it reports to be
working.
"""

from __future__ import annotations

import asyncio

from ..conf import Settings


class SilenceDeadline:
    """Moves the deadline of one `asyncio.timeout` along with what is heard of a model."""

    def __init__(self, timer: asyncio.Timeout, conf: Settings) -> None:
        self.timer = timer
        self.conf = conf
        self.slack = conf.next_token_timeout / 10
        self.clock = asyncio.get_running_loop().time
        self.spoke = self.clock()

    def said(self) -> None:
        """Records a token: the next is due within `next_token_timeout`."""
        self.spoke = self.clock()
        self._move(self.spoke + self.conf.next_token_timeout)

    def alive(self) -> None:
        """Records a sign of life without content, which extends the wait for a first token, but not
        for ever.
        """
        soon = self.clock() + self.conf.first_token_timeout
        self._move(min(soon, self.spoke + self.conf.thinking_timeout))

    def _move(self, due: float) -> None:
        # Not with every token: setting a timer costs more than writing it.
        if not due <= (self.timer.when() or 0.0) <= due + self.slack:
            self.timer.reschedule(due + self.slack)
