"""Text as PostgreSQL can keep it, and as a name shows it."""

from __future__ import annotations

import re

# The same as in static/streams/js/title.js.
PAIRS = re.compile(r"(?<![\w*])(\*{1,3}|~~)(?=\S)(.+?)(?<=\S)\1(?![\w*])", re.ASCII)
MARKS = re.compile(r"^ *(?:(?:#{1,6}|[-*+>]) +)+|^ *```\S*|`", re.MULTILINE)
BEGINNING = 200  # characters: enough for any name, and few enough for any pattern
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """Any Unicode JSON can carry: U+0000 and lone surrogates become U+FFFD."""
    if "\x00" in text:
        text = text.replace("\x00", REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        # A pair of surrogates is one character that was split in two; a lone one is nothing.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def opening_of(text: str) -> str:
    """How a text begins, in one line, without the marks of Markdown that are easily told."""
    plain = MARKS.sub("", PAIRS.sub(r"\2", text[:BEGINNING]))
    return " ".join(plain.split())
