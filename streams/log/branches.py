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
    return path(groups, len(groups) - 1) if groups else []


def holding(messages: Sequence[MessageState], id: str) -> list[MessageState]:
    """Returns the newest branch that a message is in; as far as the message, if that is an answer
    nothing follows. Without such a message it is the newest of all.
    """
    groups = grouped(messages)
    place = next((at for at, group in enumerate(groups) for it in group if it.id == id), None)
    if place is None:
        return ending_at_newest(messages)
    group = groups[place]
    holds, newest = {place}, place
    for at, (before, last) in enumerate(before_each(groups)):
        through = last or (groups[before][-1].id if before is not None else None)
        if before in holds and (before != place or id in (group[0].id, through)):
            holds.add(at)
            newest = at
    return path(groups, newest, id if newest == place and id != group[0].id else None)


def leading_to(messages: Sequence[MessageState], parent: str | None) -> list[MessageState]:
    """Returns what a message behind `parent` comes after: nothing at a beginning, which is "";
    without one, the newest branch.
    """
    if parent is None:
        return ending_at_newest(messages)
    groups = grouped(messages)
    place = next((at for at, group in enumerate(groups) for it in group if it.id == parent), None)
    return path(groups, place, parent)


def siblings(messages: Sequence[MessageState]) -> dict[str, list[str]]:
    """Returns, for each message that is not alone in its place, all that stand in it in the order
    in which they came: prompts behind the same message, answers to the same prompt.
    """
    groups = grouped(messages)
    places: dict[str, list[str]] = {}
    for group, (before, last) in zip(groups, before_each(groups), strict=True):
        followed = "" if before is None else last or groups[before][-1].id
        places.setdefault(followed, []).append(group[0].id)
        answers = [message.id for message in group if message.run]
        places[f"answers to {group[0].id}"] = answers
    return {id: place for place in places.values() if len(place) > 1 for id in place}


def path(
    groups: Sequence[list[MessageState]], at: int | None, last: str | None = None
) -> list[MessageState]:
    """Returns the branch that ends with a group, as far as its message `last`."""
    shown: list[list[MessageState]] = []
    links = before_each(groups)
    while at is not None:
        shown.append(up_to(last, groups[at]))
        at, last = links[at]
    return [message for group in reversed(shown) for message in group]


def before_each(
    groups: Sequence[list[MessageState]],
) -> list[tuple[int | None, str | None]]:
    """Returns the place of the group each one follows, None for a beginning, and the message in it
    that it names."""
    where = {message.id: at for at, group in enumerate(groups) for message in group}
    return [
        (at - 1 if at else None, None) if named is None else (where.get(named), named)
        for at, group in enumerate(groups)
        for named in (group[0].parent,)
    ]


def grouped(messages: Sequence[MessageState]) -> list[list[MessageState]]:
    """Returns each message that is no answer, with the answers to it behind it."""
    groups: list[list[MessageState]] = []
    for message in messages:
        if message.run is None or not groups:
            groups.append([])
        groups[-1].append(message)
    return groups


def answered_once(branch: Sequence[MessageState]) -> list[MessageState]:
    """Returns a branch with one answer to each prompt, the last of those in it: what a client shows
    that knows of no others.
    """
    groups = grouped(branch)
    lasts = [[each for each in group if each.run][-1:] for group in groups]
    said = [[each for each in group if not each.run] for group in groups]
    return [each for pair in zip(said, lasts, strict=True) for part in pair for each in part]


def up_to(last: str | None, group: list[MessageState]) -> list[MessageState]:
    """Returns a group as far as the message of that id; all of it without one."""
    ends = [at for at, message in enumerate(group) if message.id == last]
    return group[: ends[0] + 1] if ends else group
