"""Versions of a message: all that were edited or tried again in its place, and which come next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Versions(NamedTuple):
    """`ids` are those of all in this place, in the order in which they came; `place` counts from
    one. `previous` and `following` are None at the ends.
    """

    ids: Sequence[str]
    place: int
    previous: str | None
    following: str | None


def versions(siblings: dict[str, list[str]], id: str) -> Versions | None:
    """Returns None for a message that is alone."""
    if id not in siblings:
        return None
    ids = siblings[id]
    at = ids.index(id)
    before, after = ids[at - 1] if at else None, ids[at + 1] if at + 1 < len(ids) else None
    return Versions(ids, at + 1, before, after)
