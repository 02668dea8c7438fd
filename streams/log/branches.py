"""Which messages of a conversation belong to one branch; pure.

A message follows its parent. Without one it follows the message before it, so that a conversation
nobody has branched needs to say nothing: one message after the other is its only branch. The parent
of an answer is its prompt, and all answers to a prompt stand behind it; but where a later message
names one of them as its parent, those after that one are of another branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .transcript import MessageState


def ending_at_newest(messages: Sequence[MessageState]) -> list[MessageState]:
    """Returns the branch of the newest message that is no answer, with the answers to it.

    `messages` stand in reading order. A parent that is not there any more is a beginning.
    """
    groups = grouped(messages)
    where = {message.id: at for at, group in enumerate(groups) for message in group}
    shown: list[list[MessageState]] = []
    at: int | None = len(groups) - 1 if groups else None
    last: str | None = None
    while at is not None:
        group = groups[at]
        shown.append(up_to(last, group))
        last = group[0].parent
        before = at - 1 if at else None
        at, last = (before, None) if last is None else (where.get(last), last)
    return [message for group in reversed(shown) for message in group]


def grouped(messages: Sequence[MessageState]) -> list[list[MessageState]]:
    """Returns each message that is no answer, with the answers to it behind it."""
    groups: list[list[MessageState]] = []
    for message in messages:
        if message.run is None or not groups:
            groups.append([])
        groups[-1].append(message)
    return groups


def up_to(last: str | None, group: list[MessageState]) -> list[MessageState]:
    """Returns a group as far as the message of that id; all of it without one."""
    ends = [at for at, message in enumerate(group) if message.id == last]
    return group[: ends[0] + 1] if ends else group
