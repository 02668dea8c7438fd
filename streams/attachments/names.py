"""Cleans the name that a sender gave a file, so that it is safe to show and to save under."""

from __future__ import annotations

import re
import unicodedata

from streams.text_cleaning import clean

from .kinds import GIF, JPEG, PDF, PNG, TEXT, WEBP

LONGEST = 120  # characters
UNNAMED = "file"

# What a file of this type may end in; the first is added to a name that ends in anything else.
ENDINGS = {
    PNG: ("png",),
    JPEG: ("jpg", "jpeg", "jfif"),
    GIF: ("gif",),
    WEBP: ("webp",),
    PDF: ("pdf",),
}
FORBIDDEN = re.compile(r'[<>:"|?*]')  # by one file system or another


def named(given: str, type: str) -> str:
    """Returns a file's name without folders, invisible characters and marks that turn the direction
    of writing; it ends as its type says, so that a saved picture is opened as one.
    """
    last = re.split(r"[/\\]", clean(given))[-1]
    shown = "".join(it if is_shown(it) else " " for it in unicodedata.normalize("NFC", last))
    name = " ".join(FORBIDDEN.sub("_", shown).split()).strip(". ") or UNNAMED
    stem, dot, ending = name.rpartition(".")
    endings = ENDINGS.get(type, ())
    if endings and ending.lower() not in endings:
        stem, dot, ending = name, ".", endings[0]
    elif type == TEXT and not dot:
        stem, dot, ending = name, ".", "txt"
    if len(ending) > 20:  # no ending, but a sentence with a full stop in it
        return name[:LONGEST]
    return f"{stem[: LONGEST - len(ending) - 1].rstrip('. ') or UNNAMED}{dot}{ending}"


def is_shown(character: str) -> bool:
    """Tells whether a character is seen; controls, line ends and marks of direction are not."""
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
