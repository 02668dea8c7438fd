"""Pages of the documentation as tests read them: sections by heading, tables by rows."""

from __future__ import annotations

import re

from django.conf import settings

DOCS = settings.BASE_DIR / "docs"


def sections(name: str, level: int = 3) -> dict[str, str]:
    """The text under each heading of this level, without backticks in the heading."""
    text = re.sub(r"^```.*?^```", "", (DOCS / name).read_text(), flags=re.MULTILINE | re.DOTALL)
    found = re.split(rf"^({'#' * level}|#{{1,{level - 1}}}) (.+)$", text, flags=re.MULTILINE)
    marks, titles, bodies = found[1::3], found[2::3], found[3::3]
    each = zip(marks, titles, bodies, strict=True)
    return {title.replace("`", ""): body for mark, title, body in each if len(mark) == level}


def tables(text: str) -> list[tuple[str, list[list[str]]]]:
    """Each table: its first heading, and its rows without backticks."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        rows = [
            [cell.strip().replace("`", "") for cell in line.strip("|").split(" | ")]
            for line in block.splitlines()
        ]
        found.append((rows[0][0].strip("| "), rows[2:]))
    return found


def fields(text: str) -> set[str]:
    """The names in a section's table of fields; nothing where it has none."""
    return {row[0].strip("| ") for head, rows in tables(text) if head == "field" for row in rows}
