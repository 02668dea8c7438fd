"""Text as PostgreSQL can keep it."""

from __future__ import annotations

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
