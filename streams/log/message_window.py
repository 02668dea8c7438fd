"""Which messages of a long conversation are shown at once: the newest, or those before a number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from .transcript_types import MessageState


class Window(NamedTuple):
    """Messages in reading order. `begins` is the number of the first where earlier ones are left
    out, else None; `ends` tells whether later ones are."""

    messages: Sequence[MessageState]
    begins: int | None
    ends: bool


def window(
    branch: Sequence[MessageState],
    most: int,
    before: int | None = None,
    needed: Collection[str] = (),
) -> Window:
    """Returns the last `most` messages, of those before number `before` if it is given; 0 is all.

    It begins with a prompt that has an answer of its own, so that nothing stands alone, and at the
    latest with the first of the `needed` messages.
    """
    end = len(branch) if before is None else position(branch, before)
    start = max(0, end - most) if most else 0
    open_ones = (at for at, message in enumerate(branch[:start]) if message.id in needed)
    start = next(open_ones, start)
    while start > 0 and not begins_a_turn(branch[start]):
        start -= 1
    begins = branch[start].seq if start else None
    return Window(branch[start:end], begins, ends=end < len(branch))


def around(branch: Sequence[MessageState], most: int, id: str) -> Window:
    """Returns about `most` messages around one, of whose turn nothing is left out."""
    at = next(at for at, message in enumerate(branch) if message.id == id)
    end = min(len(branch), at + 1 + most // 2)
    while end < len(branch) and not begins_a_turn(branch[end]):
        end += 1
    found = window(branch[:end], most, needed=(id,))
    return found._replace(ends=end < len(branch))


def begins_a_turn(message: MessageState) -> bool:
    return message.role == "user" and message.into is None


def position(branch: Sequence[MessageState], before: int) -> int:
    """Returns the place of the message with this number; where there is none, of the first with a
    later one. Answers that were given anew stand before later prompts, whatever their numbers."""
    exact = (at for at, message in enumerate(branch) if message.seq == before)
    later = (at for at, message in enumerate(branch) if message.seq > before)
    return next(exact, next(later, len(branch)))
