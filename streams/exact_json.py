"""Reads a JSON object as it is written, field by field; no input or output.

What a person is asked to approve is shown exactly: a number keeps all of its digits, and a name
that stands twice is shown twice. `static/streams/js/exact_json.js` has the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson


def fields_of(text: str) -> list[tuple[str, str]] | None:
    """Returns the names and values of an object, in order: a string as the text it stands for, any
    other value as it is written. Returns None where the text is no JSON object.
    """
    try:
        if not isinstance(orjson.loads(text), dict):
            return None
    except orjson.JSONDecodeError:
        return None
    inside = text.strip()[1:-1]
    return [read_field(part) for part in split(inside, ",") if part.strip()]


def read_field(part: str) -> tuple[str, str]:
    name, *rest = split(part, ":")
    return plain(name), plain(":".join(rest))


def plain(written: str) -> str:
    written = written.strip()
    return str(orjson.loads(written)) if written.startswith('"') else written


def split(text: str, mark: str) -> Iterator[str]:
    """Yields the parts between the marks that are in no string, list or object."""
    depth, quoted, escaped, start = 0, False, False, 0
    for at, character in enumerate(text):
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        elif character == mark and depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]
