"""The JSON Schema of a tool's arguments, as models' APIs take it."""

from __future__ import annotations

from typing import Any

import orjson

DEEPEST = 100  # objects and lists in one another; a request around it holds some more
# At a schema's top, models' APIs refuse these, and with that one tool the whole request.
REFUSED = ("allOf", "anyOf", "enum", "not", "oneOf")


def told(schema: Any) -> dict[str, Any]:
    """Returns the schema with the type and properties that models want said. Raises ValueError for
    one that they refuse, which says what is wrong.
    """
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise ValueError("is not of an object")
    if found := [word for word in REFUSED if word in schema]:
        raise ValueError(f"has {' and '.join(found)} at its top")
    if "$ref" in schema and "properties" not in schema:
        raise ValueError("is a $ref")
    whole = {"type": "object", "properties": {}} | schema
    if not isinstance(whole["properties"], dict):
        raise ValueError("has properties that are no object")
    return whole


def written(schema: Any) -> bytes:
    """Returns a schema as JSON. Raises ValueError for what JSON, or a request, does not hold."""
    try:
        text = orjson.dumps(schema)
    except (TypeError, RecursionError) as error:
        raise ValueError("cannot be written as JSON") from error
    if is_deep(schema):
        raise ValueError(f"is nested more than {DEEPEST} deep")
    return text


def is_deep(schema: Any) -> bool:
    level = [schema]
    for _ in range(DEEPEST):
        inside = [each.values() if isinstance(each, dict) else each for each in level]
        level = [it for each in inside for it in each if isinstance(it, dict | list)]
        if not level:
            return False
    return True
