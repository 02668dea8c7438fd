"""Cleans text for PostgreSQL, and shortens it for names."""

from __future__ import annotations

import re

# The same as in static/streams/js/title.js.
PAIRS = re.compile(r"(?<![\w*])(\*{1,3}|~~)(?=\S)(.+?)(?<=\S)\1(?![\w*])", re.ASCII)
MARKS = re.compile(r"^ *(?:(?:#{1,6}|[-*+>]) +)+|^ *```\S*|`", re.MULTILINE)
BEGINNING = 200  # characters: enough for any name, and few enough for any pattern
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """Replaces U+0000 and lone surrogates, which JSON allows and PostgreSQL refuses, by U+FFFD."""
    if "\x00" in text:
        text = text.replace("\x00", REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        # A pair of surrogates is one character that was split in two; a lone one is nothing.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def opening_of(text: str) -> str:
    """Returns the beginning of a text in one line, without Markdown marks that are easy to tell."""
    plain = MARKS.sub("", PAIRS.sub(r"\2", text[:BEGINNING]))
    return " ".join(plain.split())
