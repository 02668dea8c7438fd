"""The words of a text as they are searched for: without case, accents and marks.

Each stands in the index with its owner in front, so that looking for one person's words reads
nothing of anybody else's. Scripts written without spaces are taken two letters at a time.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b
from itertools import accumulate

LONGEST_TEXT = 200_000  # characters of a message that are searched
LONGEST_WORD = 40
MOST_BYTES = 800_000  # of one message: a tsvector holds a megabyte
MOST_ASKED = 12
SHOWN = 90  # characters of context on either side

WORD = re.compile(r"[^\W_]+")
# Letters of scripts written without spaces, beside Korean, which has them.
EAST = re.compile(
    "[\u2e80-\u2fff\u3041-\u30ff\u3105-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff]+"
)

# Marks of Markdown: before a heading, a quote or an item, and around emphasis and code.
MARKS = re.compile(r"^[ \t]*(?:#{1,6}|>|[-*+])[ \t]+|\*\*|`+", re.MULTILINE)


def lexemes(owner: str, text: str) -> list[str]:
    """Returns the entries of the index for a text of the person with this key."""
    found = dict.fromkeys(
        part for word in words(text[:LONGEST_TEXT]) for part in parts(word, indexed=True)
    )
    mark = mark_of(owner)
    marked = [f"{mark}:{word}" for word in found]
    sizes = accumulate(len(word.encode()) for word in marked)
    return [word for word, size in zip(marked, sizes, strict=True) if size <= MOST_BYTES]


def matches(text: str, asked: str) -> bool:
    """Tells whether a text would be found by the words asked for, if it stood in the index."""
    found = lexemes("", text)
    terms = terms_of("", asked)
    return bool(terms) and all(
        any(word.startswith(term) if goes_on else word == term for word in found)
        for term, goes_on in terms
    )


def query(owner: str, asked: str) -> str:
    """Returns a tsquery of all the words asked for, each of which may go on; "" if there are none.

    A single letter has to be the whole word: too many go on from it.
    """
    return " & ".join(
        f"'{term}'" + (":*" if goes_on else "") for term, goes_on in terms_of(owner, asked)
    )


def terms_of(owner: str, asked: str) -> list[tuple[str, bool]]:
    """Returns each word asked for as it stands in the index, and whether it may go on."""
    mark = mark_of(owner)
    return [
        (f"{mark}:{part}", len(part) > 1 or EAST.match(part) is not None)
        for word in words(asked)[:MOST_ASKED]
        for part in parts(word, indexed=False)
    ]


def mark_of(owner: str) -> str:
    """Short, whatever people's keys are; who shares one is told apart by the conversation."""
    return blake2b(owner.encode(), digest_size=5).hexdigest()


def words(text: str) -> list[str]:
    return WORD.findall(folded(text))


def folded(text: str) -> str:
    """Returns the text without case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def parts(word: str, *, indexed: bool) -> list[str]:
    """Returns a word as it is looked up. A single eastern letter is found as the beginning of two,
    which needs the last one of a run in the index by itself.
    """
    if not EAST.search(word):
        return [word[:LONGEST_WORD]]
    found = []
    for run in re.split(f"({EAST.pattern})", word):
        if not EAST.fullmatch(run):
            found += [run[:LONGEST_WORD]] if run else []
        elif indexed or len(run) == 1:
            found += [run[at : at + 2] for at in range(len(run))]
        else:
            found += [run[at : at + 2] for at in range(len(run) - 1)]
    return found


def excerpt(text: str, asked: str) -> tuple[str, str, str]:
    """Returns the text before the first of the words asked for, the word itself, and the text
    behind; the beginning of the text if it has none of them.
    """
    text = text[:LONGEST_TEXT]
    terms = tuple(words(asked)[:MOST_ASKED])
    for found in WORD.finditer(text) if terms else ():
        start, end = found.span()
        here = folded(found[0])
        if not here.startswith(terms) and not (EAST.search(here) and any(t in here for t in terms)):
            continue
        if EAST.search(here):
            at, term = next((found[0].find(t), t) for t in terms if t in here)
            start, end = (start + at, start + at + len(term)) if at >= 0 else (start, end)
        before, after = text[max(0, start - SHOWN) : start], text[end : end + SHOWN]
        cut = "…" if start > SHOWN else "", "…" if end + SHOWN < len(text) else ""
        return cut[0] + one_line(before), text[start:end], one_line(after) + cut[1]
    return one_line(text[: 2 * SHOWN]), "", ""


def one_line(text: str) -> str:
    """Returns Markdown as one line without its marks, for a result of the search."""
    return re.sub(r"\s+", " ", MARKS.sub("", text))
