"""Checks a vendor's values as they come in: of the type its API describes, and not too long.

Null and missing mean the same, since APIs and the servers that imitate them mix the two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from streams.providers.base import Code, ProviderError

NAME = 256  # characters of a tool's name, or of a key of a block
CALL_ID = 4096  # some gateways put a signature of the model's thoughts into it
REPLAY = 4_000_000  # characters of a vendor's opaque items for one answer
COUNT = 2**53  # what JSON's readers agree on
NONE = ("null", "None")  # as some servers write what is missing
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REASON = re.compile(r"[\w.:/-]{1,32}", re.ASCII)


class Unreadable(ValueError):
    """Raised for a value of another type than the API describes; its event is left out."""


def mapping(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable
    return value


def sequence(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable
    return value


def text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable
    return value


def name(value: Any, most: int = NAME) -> str:
    """Checks the name or id of a tool call; raises ProviderError if it is too long."""
    given = text(value)
    if len(given) > most:
        raise ProviderError(Code.PROTOCOL, why=f"a name of {len(given)} characters")
    return given


def key(value: Any) -> int | str | None:
    """Checks the key by which a vendor identifies a block."""
    if isinstance(value, str):
        return name(value)
    if value is not None and type(value) is not int:
        raise Unreadable
    return value


def within(outer: Any, *names: str) -> Any:
    """Follows names into nested objects; returns None where one of them is no object."""
    for name in names:
        outer = outer.get(name) if isinstance(outer, dict) else None
    return outer


def counts(**given: Any) -> dict[str, int]:
    """Returns the values that are whole numbers, as token counts are; leaves out the rest."""
    return {name: int(value) for name, value in given.items() if is_count(value)}


def is_count(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer() and 0 <= value <= COUNT
    return type(value) is int and 0 <= value <= COUNT


def reason(value: Any, known: Mapping[str, str]) -> str:
    """Returns the stop reason in our word, or in the vendor's own if we have none; "" if
    missing.
    """
    if not value or value in NONE:
        return ""
    word = value if isinstance(value, str) and REASON.fullmatch(value) else "unknown"
    return known.get(word.lower(), word)


def storable(value: Any) -> Any:
    """Returns JSON as PostgreSQL takes it: U+0000 and lone surrogates replaced."""
    if isinstance(value, str):
        return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [storable(each) for each in value]
    if isinstance(value, dict):
        return {storable(name): storable(each) for name, each in value.items()}
    return value


def opaque(items: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Returns a vendor's items for its `Finished.replay`. Raises ProviderError if they are too
    many to keep.
    """
    size = len(orjson.dumps(kept := storable([*items])))
    if size > REPLAY:
        raise ProviderError(Code.PROTOCOL, why=f"{size} bytes of opaque items")
    return tuple(kept)
