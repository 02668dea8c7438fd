"""Markdown as models write it, to HTML that is safe to put on a page.

Raw HTML is text, images are links, and link reference definitions mean nothing: so what a
block says never depends on another, and a closed block is final while the rest streams in.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from itertools import pairwise
from typing import NamedTuple

import nh3
from markdown_it.token import Token

from .flanking import flanks, waits
from .parser import blocks_parser, parser
from .render_budget import OutOfTime
from .rules import FORMULAS, LONGEST_FORMULA

LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+\Z")  # the line ends markdown-it knows
UNFINISHED_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\Z")
RUN = re.compile(r"\\.?|`+|\*+|_+|~+")
ESCAPED = re.compile(r"\\.")
BULLET = re.compile(r"\s*(?:(?:[*+>-]|\d+[.)])\s+)*")
# An unfinished line of which nobody can say yet what it is: marks alone, a number that may be a
# bullet, the language of a code block, a row of a table.
UNDECIDED = re.compile(
    BULLET.pattern + r"(?:#{1,6}\s*|[-*_=+~`>]+\s*|\d{1,9}[.)]?|\|.*|(?:```|~~~)[^`]*)?"
)
END_OF_CODE = re.compile(r"[\s>]*(?:`+|~+)?\s*")
KEPT_LENGTH = 8_000  # longer blocks are rare, and their cache is small


class Split(NamedTuple):
    """A text's closed top-level blocks, which no later text changes, and the open rest."""

    closed: list[str]
    open: str


def split(text: str) -> Split:
    """Cut `text` where markdown-it's top-level blocks begin.

    The last block is open. So is whatever stands in an unfinished line: "***" closes a
    paragraph as a rule and, one letter later, goes on with it as bold text.
    """
    lines = LINE.findall(text)
    whole = lines if text.endswith(("\r", "\n")) else lines[:-1]
    try:
        tokens = BLOCKS.parse("".join(whole))
    except OutOfTime:
        return Split([], text)
    starts = [t.map[0] for t in tokens if t.level == 0 and t.map]
    if not starts:
        return Split([], text)
    edges = [0, *starts[1:]]
    closed = ["".join(lines[a:b]) for a, b in pairwise(edges)]
    return Split(closed, "".join(lines[edges[-1] :]))


def render(text: str) -> str:
    """The whole text as HTML: exactly what its blocks give one by one."""
    parts = split(text)
    return "".join(render_block(block) for block in parts.closed) + render_block(parts.open)


class Growing(NamedTuple):
    """A text that is still growing, as it will most likely read. `shown` is what `html` covers
    of it; the rest waits. `fenced`: what follows goes on inside its code block."""

    html: str
    shown: str
    fenced: bool = False


def render_open(text: str) -> Growing:
    """Without a last line that is undecided, and with the other half of the marks that wait for
    theirs. It is replaced in a moment, so a wrong guess may pass."""
    whole, line = text[: text.rfind("\n") + 1], text[text.rfind("\n") + 1 :]
    last = last_token(whole)
    if last and open_fence(last):
        shown = whole if END_OF_CODE.fullmatch(line) else text
        return Growing(growing(shown), shown, fenced=True)
    if last and last.type == "code_block" and line[:1].isspace():
        return Growing(growing(text), text)
    shown = without_header(whole) if UNDECIDED.fullmatch(line) else without_formula(text)
    return Growing(growing(completed(shown)), shown)


def last_token(text: str) -> Token | None:
    """That does not merely close another."""
    try:
        tokens = BLOCKS.parse(text)
    except OutOfTime:
        return None
    return next((t for t in reversed(tokens) if not t.type.endswith("_close")), None)


def open_fence(token: Token) -> bool:
    """A fence that has its last line covers it beyond its content."""
    if token.type != "fence" or not token.map:
        return False
    start, end = token.map
    return end - start == 1 + token.content.count("\n")


def without_header(whole: str) -> str:
    """A row with nothing but text above is a table's header, once the line below says so."""
    lines = whole.splitlines(keepends=True)
    *above, row = [False, False, *(line.lstrip(" \t>").startswith("|") for line in lines[-2:])]
    return whole.removesuffix(lines[-1]) if row and not above[-1] else whole


def without_formula(text: str) -> str:
    """One whose end has not come waits: nobody knows yet that it is one."""
    line = text[text.rfind("\n") + 1 :]
    for begins, ends in FORMULAS.items():
        at = line.rfind(begins) if begins != ends or line.count(begins) % 2 else -1
        if at >= 0 and ends not in line[at + len(begins) :] and len(line) - at < LONGEST_FORMULA:
            text, line = text[: len(text) - len(line) + at], line[:at]
    return text


def completed(text: str) -> str:
    """With the other half of each mark that its last line leaves open."""
    head, end, line = text.rpartition("\n")
    line = UNFINISHED_LINK.sub(r"\1", line)
    said = BULLET.sub("", line, count=1)
    return head + end + line.removesuffix(said) + closed(said)


def closed(said: str) -> str:
    """A mark with nothing behind it yet is left out, unless it ends something."""
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
    """What a run of marks may begin; three are two kinds of emphasis."""
    mark, length = run[0], len(run)
    if mark in "*_" and length <= 3:
        return [mark, mark * 2] if length == 3 else [run]
    return [run] if run == "~~" else []


def render_block(source: str) -> str:
    """As it was written, where its author has made it take too long."""
    try:
        return kept(source) if len(source) <= KEPT_LENGTH else kept_long(source)
    except OutOfTime:
        return plain(source)


def fresh(source: str) -> str:
    return CLEANER.clean(MARKDOWN.render(source))


def growing(source: str) -> str:
    try:
        return CLEANER.clean(UNLINKED.render(source))
    except OutOfTime:
        return plain(source)


def plain(source: str) -> str:
    return f'<div class="raw" dir="auto">{escape(source)}</div>\n'


# Of the longer ones, those that several tabs are about to ask for.
kept = lru_cache(maxsize=1024)(fresh)
kept_long = lru_cache(maxsize=16)(fresh)


TAGS = (
    "a blockquote br button code div em h1 h2 h3 h4 h5 h6 hr input li ol p pre s span strong"
    " table tbody td th thead tr ul"
)
DIRECTED = "blockquote div h1 h2 h3 h4 h5 h6 ol p ul"
MARKDOWN = parser(linked=True)
UNLINKED = parser(linked=False)
BLOCKS = blocks_parser()
CLEANER = nh3.Cleaner(
    tags=set(TAGS.split()),
    attributes={
        "a": {"href", "title"},
        "button": {"type", "class"},
        "div": {"class", "tabindex"},
        "input": {"checked"},
        "ol": {"start"},
        "pre": {"tabindex"},
        "span": {"class"},
        "td": {"class"},
        "th": {"class"},
    },
    tag_attribute_values={tag: {"dir": {"auto"}} for tag in DIRECTED.split()},
    set_tag_attribute_values={
        "a": {"target": "_blank"},
        "input": {"type": "checkbox", "disabled": "", "aria-label": "Done"},
        # Not with the words around it, nor counted among them.
        "code": {"dir": "ltr"},
        "pre": {"dir": "ltr"},
    },
    link_rel="noopener nofollow",
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
)
