"""Encodes JSON that PostgreSQL's jsonb can store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from streams.text_cleaning import clean


def dumps(value: Any) -> str:
    """Encodes a value as JSON; U+0000 and lone surrogates, which jsonb refuses, are replaced."""
    try:
        text = orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, UnicodeEncodeError):
        return orjson.dumps(cleaned(value)).decode()
    return orjson.dumps(cleaned(value)).decode() if "\\u0000" in text else text


def cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {cleaned(key): cleaned(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [cleaned(item) for item in value]
    return value
