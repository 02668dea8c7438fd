"""What a client has of an answer already, by the message that its list ends with; pure.

A client that was cut off in mid-answer and asks again sends what it has shown, and puts what comes
behind that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Shown:
    """The text, the steps and the calls of a message's parts, in the order in which a stream tells
    them. By itself it is nothing."""

    def __init__(self, message: Mapping[str, Any] | None = None) -> None:
        given = message.get("parts") if message else None
        parts = (
            [part for part in given if isinstance(part, Mapping)] if isinstance(given, list) else []
        )
        self._text = "".join(map(text_of, parts))
        self._told = 0  # characters of it
        self.steps = sum(part.get("type") == "step-start" for part in parts)
        self.calls = frozenset(
            str(part["toolCallId"])
            for part in parts
            if "toolCallId" in part and part.get("state") != "input-streaming"
        )

    @property
    def has_more(self) -> bool:
        """Tells whether it has text that was not told again yet."""
        return self._told < len(self._text)

    def unseen(self, text: str) -> str:
        """Returns what is new of a text that comes next: all of it where the message has another,
        as behind an attempt that was lost and compacted."""
        known = self._text[self._told : self._told + len(text)]
        if not text.startswith(known):
            self._text, known = "", ""
        self._told += len(known)
        return text[len(known) :]


def text_of(part: Mapping[str, Any]) -> str:
    text = part.get("text")
    return text if part.get("type") in ("text", "reasoning") and isinstance(text, str) else ""
