"""The context that a tool is given: who asked, in which conversation and run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..api.chat import Chat
    from ..api.run import Run
    from ..models import Device


def unheard(text: str) -> None:
    """Drops a note of progress, where nobody listens."""


@dataclass(frozen=True, slots=True)
class Context:
    """Who asked for a call, and where.

    `user` is the site's user and `device` the one the prompt came from, or None. `conversation` is
    a `streams.Chat` and `run` a `streams.Run`. `idempotency_key` is the same for every attempt at
    this call, also after a crash, and no other call has it: give it to services that take one.
    """

    user: Any
    conversation: Chat
    run: Run
    device: Device | None = None
    idempotency_key: str = ""
    note: Callable[[str], None] = unheard

    def progress(self, text: str) -> None:
        """Says how far the tool is, on every device. Only the last of several in a short time is
        shown, and its beginning if it is long. Works from threads too, and never waits.
        """
        self.note(text)
