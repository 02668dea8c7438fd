"""Limits the depth and the numbers of JSON from clients, parts of which are stored and sent
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from streams.exceptions import Invalid

DEEPEST = 100  # objects and lists in one another; orjson writes 254
LARGEST = 2**63 - 1


def keepable(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns what was sent. Raises Invalid if it is nested deeper than can be written again, or
    has larger numbers."""
    level: list[Any] = [given]
    for _ in range(DEEPEST):
        inside = [
            each
            for outer in level
            for each in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if any(map(too_large, inside)):
            raise Invalid("A number is too large.")
        level = [each for each in inside if isinstance(each, dict | list)]
        if not level:
            return given
    raise Invalid(f"Lists and objects are nested {DEEPEST} deep at most.")


def too_large(value: Any) -> bool:
    if isinstance(value, int):
        return abs(value) > LARGEST
    return isinstance(value, float) and not isfinite(value)
