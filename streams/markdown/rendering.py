"""Renders a model's Markdown to HTML that is safe to put on a page.

HTML becomes text but for a few tags, images become links, and link reference definitions are off.
So no block depends on another, and a closed block is final while the rest is still arriving.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from html import escape
from itertools import accumulate, pairwise
from typing import NamedTuple

from markdown_it.token import Token

from .cleaning import CLEANER
from .flanking import flanks, waits
from .folds import without_unnamed
from .labels import labelled
from .parser import blocks_parser, parser
from .render_budget import OutOfTime, check_time
from .render_cache import RenderCache
from .rules import FORMULAS, LONGEST_FORMULA

LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+\Z")  # the line ends markdown-it knows
UNFINISHED_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\Z")
RUN = re.compile(r"\\.?|`+|\*+|_+|~+")
ESCAPED = re.compile(r"\\.")
BULLET = re.compile(r"\s*(?:(?:[*+>-]|\d+[.)])\s+)*")
# An unfinished line of which nobody can say yet what it is: marks alone, a number that may be a
# bullet, the language of a code block, a row of a table, a tag.
UNDECIDED = re.compile(
    BULLET.pattern + r"(?:#{1,6}\s*|[-*_=+~`>]+\s*|\d{1,9}[.)]?|\|.*|(?:```|~~~)[^`]*"
    r"|</?[a-z]*(?: open)?>?)?"
)
END_OF_CODE = re.compile(r"[\s>]*(?:`+|~+)?\s*")
KEPT_LENGTH = 8_000  # longer blocks are rare, and their cache is small
WHOLE = RenderCache(most=16_000_000)  # characters: some thousand answers


class Split(NamedTuple):
    """The closed top-level blocks of a text, which later text cannot change, and the open rest."""

    closed: list[str]
    open: str


def split(text: str) -> Split:
    """Cuts `text` where markdown-it begins top-level blocks.

    The last block is open, and so is anything in an unfinished line: "***" ends a paragraph as a
    rule, but with one more letter it continues the paragraph as bold text.
    """
    lines = LINE.findall(text)
    whole = lines if text.endswith(("\r", "\n")) else lines[:-1]
    try:
        tokens = BLOCKS.parse("".join(whole))
    except OutOfTime:
        return Split([], text)
    places = [t.map for t in tokens if t.level == 0 and t.map]
    if not places:
        return Split([], text)
    # What follows a fold within its last line belongs to the same part.
    ends = accumulate((end for _, end in places), max)
    starts = [start for end, (start, _) in zip(ends, places[1:], strict=False) if start >= end]
    edges = [0, *starts]
    closed = ["".join(lines[a:b]) for a, b in pairwise(edges)]
    return Split(closed, "".join(lines[edges[-1] :]))


def render(text: str) -> str:
    """Renders a whole text, to exactly the HTML that its blocks give one by one. The HTML is kept
    for the next page that shows it, in whatever language, unless time ran out and parts are plain
    text.
    """
    if (known := WHOLE.get(text)) is not None:
        return labelled(known)
    parts = split(text)
    html = "".join(map(unlabelled, [*parts.closed, parts.open]))
    with suppress(OutOfTime):
        check_time()
        WHOLE.keep(text, html)
    return labelled(html)


class Growing(NamedTuple):
    """The most likely rendering of a growing text. `html` covers the part `shown`; the rest waits.
    `fenced` tells that the text continues inside the last code block.
    """

    html: str
    shown: str
    fenced: bool = False


def render_open(text: str) -> Growing:
    """Renders an open block: leaves out an undecided last line and closes marks that are still
    open. A wrong guess is replaced within moments.
    """
    whole, line = text[: text.rfind("\n") + 1], text[text.rfind("\n") + 1 :]
    last = last_token(whole)
    if last and open_fence(last):
        shown = whole if END_OF_CODE.fullmatch(line) else text
        return Growing(growing(shown), shown, fenced=True)
    if last and last.type == "code_block" and line[:1].isspace():
        return Growing(growing(text), text)
    begun = without_header(whole) if UNDECIDED.fullmatch(line) else without_formula(text)
    shown = without_unnamed(begun)
    return Growing(growing(completed(shown)), shown)


def last_token(text: str) -> Token | None:
    """Returns the last token that does not only close another."""
    try:
        tokens = BLOCKS.parse(text)
    except OutOfTime:
        return None
    return next((t for t in reversed(tokens) if not t.type.endswith("_close")), None)


def open_fence(token: Token) -> bool:
    """Returns the code block that the text ends in, if its closing line has not come yet."""
    if token.type != "fence" or not token.map:
        return False
    start, end = token.map
    return end - start == 1 + token.content.count("\n")


def without_header(whole: str) -> str:
    """Leaves out a last row that may turn out to be a table's header, once the next line says
    so.
    """
    lines = whole.splitlines(keepends=True)
    *above, row = [False, False, *(line.lstrip(" \t>").startswith("|") for line in lines[-2:])]
    return whole.removesuffix(lines[-1]) if row and not above[-1] else whole


def without_formula(text: str) -> str:
    """Leaves out a formula whose end has not arrived, since it may turn out to be none."""
    line = text[text.rfind("\n") + 1 :]
    for begins, ends in FORMULAS.items():
        at = line.rfind(begins) if begins != ends or line.count(begins) % 2 else -1
        if at >= 0 and ends not in line[at + len(begins) :] and len(line) - at < LONGEST_FORMULA:
            text, line = text[: len(text) - len(line) + at], line[:at]
    return text


def completed(text: str) -> str:
    """Adds the missing half of each mark that the last line leaves open."""
    head, end, line = text.rpartition("\n")
    line = UNFINISHED_LINK.sub(r"\1", line)
    said = BULLET.sub("", line, count=1)
    return head + end + line.removesuffix(said) + closed(said)


def closed(said: str) -> str:
    """Drops a mark with nothing behind it yet, unless it closes something."""
    left_open: list[str] = []
    at = 0
    while found := RUN.search(said, at):
        run, start, at = found.group(), found.start(), found.end()
        before, after = said[start - 1 : start] if start else "", said[at : at + 1]
        opens, closes = flanks(before, after, run[0])
        halves = halves_of(run)
        if run[0] == "`" and after:
            ends = re.compile(rf"(?<!`){run}(?!`)").search(said, at)
            if not ends:
                left_open.append(run)
                break
            at = ends.end()
        elif halves and closes and set(halves) <= set(left_open):
            del left_open[min(map(left_open.index, halves)) :]
        elif not after and len(run) < 4 and not ESCAPED.match(run):
            said = said[:start]
        elif opens and not waits(before, run):
            left_open += halves
    return said.rstrip() + "".join(reversed(left_open)) if left_open else said


def halves_of(run: str) -> list[str]:
    """Returns what a run of marks may open; three are two kinds of emphasis."""
    mark, length = run[0], len(run)
    if mark in "*_" and length <= 3:
        return [mark, mark * 2] if length == 3 else [run]
    return [run] if run == "~~" else []


def render_block(source: str) -> str:
    """Renders one block, or shows it as it was written if rendering takes too long."""
    return labelled(unlabelled(source))


def unlabelled(source: str) -> str:
    try:
        return kept(source) if len(source) <= KEPT_LENGTH else kept_long(source)
    except OutOfTime:
        return plain(source)


def fresh(source: str) -> str:
    return CLEANER.clean(MARKDOWN.render(source))


def growing(source: str) -> str:
    try:
        return labelled(CLEANER.clean(UNLINKED.render(source)))
    except OutOfTime:
        return plain(source)


def plain(source: str) -> str:
    return f'<div class="raw" dir="auto">{escape(source)}</div>\n'


# Of the longer ones, those that several tabs are about to ask for.
kept = lru_cache(maxsize=1024)(fresh)
kept_long = lru_cache(maxsize=16)(fresh)


MARKDOWN = parser(linked=True)
UNLINKED = parser(linked=False)
BLOCKS = blocks_parser()
