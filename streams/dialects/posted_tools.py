"""Tools that clients bring along, as a run keeps them until its model is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streams.agents import input_schema
from streams.agents.tool import NAME
from streams.exceptions import Invalid, TooLarge
from streams.log import dumps

MOST = 128
LONGEST = 100_000  # bytes of all of them
DESCRIPTION = 8192  # characters
NO_ARGUMENTS = {"type": "object", "properties": {}}

Kept = dict[str, Any]


def tools_in(given: Any) -> list[Kept]:
    """Reads tools that have name, description and parameters. Raises Invalid and TooLarge."""
    if given is None:
        return []
    if not isinstance(given, list):
        raise Invalid("tools is a list of tools.", field="tools")
    check_many(given)
    if not all(isinstance(each, Mapping) for each in given):
        raise Invalid("tools is a list of tools.", field="tools")
    kept = [*map(kept_tool, given)]
    if len({each["name"] for each in kept}) < len(kept):
        raise Invalid("Two tools have the same name.", field="tools")
    if len(dumps(kept)) > LONGEST:
        raise TooLarge(f"The tools are too long: at most {LONGEST:,} bytes.", field="tools")
    return kept


def check_many(given: Sequence[Any]) -> None:
    """Raises Invalid for too many, before any of them is looked at."""
    if len(given) > MOST:
        raise Invalid(f"At most {MOST} tools come with a request.", field="tools")


def kept_tool(given: Mapping[str, Any]) -> Kept:
    name, description = given.get("name"), given.get("description") or ""
    parameters = given.get("parameters") or NO_ARGUMENTS
    if not isinstance(name, str) or not NAME.fullmatch(name):
        told = "A tool's name is at most 64 letters, digits, _ and -."
        raise Invalid(told, field="tools")
    if not isinstance(description, str) or len(description) > DESCRIPTION:
        told = f"A tool's description is text of at most {DESCRIPTION:,} characters."
        raise Invalid(told, field="tools")
    try:
        schema = input_schema.told(parameters)
    except ValueError as error:
        told = f"A tool's parameters are the JSON Schema of an object; that of {name} {error}."
        raise Invalid(told, field="tools") from error
    return {"name": name, "description": description, "parameters": schema}


def keeping(tools: Sequence[Kept]) -> dict[str, Any]:
    """Returns the part of a run's `asked` that keeps these tools; {} without tools."""
    return {"tools": list(tools)} if tools else {}
