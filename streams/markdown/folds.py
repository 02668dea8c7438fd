"""A rule added to markdown-it: `<details>` with its `<summary>`, as one block that holds others."""

from __future__ import annotations

import re
from typing import NamedTuple

from markdown_it.rules_block import StateBlock

OPENS = re.compile(r"<details(?P<unfolded> open(?:=\"\")?)?>[ \t]*")
SUMMARY = re.compile(r"<summary>(?P<words>(?:(?!</?summary>).){1,300}?)</summary>[ \t]*", re.DOTALL)
CLOSES = "</details>"
CODE_OR_CLOSES = re.compile(rf"(?P<code>`+)|(?<!\\){CLOSES}(?P<last>[ \t]*\Z)?[ \t]*")
FENCE = re.compile(r"`{3,}(?=[^`]*\Z)|~{3,}")
LONGEST_SUMMARY = 4  # lines

# The end of a growing text that has begun a fold and not said its summary yet.
UNNAMED = re.compile(
    rf"^[ \t>]*{OPENS.pattern}\s*(?:<(?:s[a-z]*)?|<summary>(?:(?!</summary>).){{0,300}})?\Z",
    re.DOTALL | re.MULTILINE,
)
LONGEST_UNNAMED = 500


class Place(NamedTuple):
    """A line by its number, and a position in it."""

    line: int
    at: int


def fold(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parses `<details>`, up to its `</details>`. The text between the two is Markdown, and
    text behind the end is a block of its own. Without an end the fold reaches to the end of the
    text, or of the block that it is in, as a code block does.
    """
    if state.is_code_block(start) or not opening(state, start):
        return False
    if silent:
        return True
    while opens := opening(state, start):
        whole_fold(state, opens, start, end)
        if state.line > start:
            return True
    # A rule has to go on by a line.
    return any(rule(state, start, end, False) for rule in state.md.block.ruler.getRules(""))


def opening(state: StateBlock, line: int) -> re.Match[str] | None:
    return OPENS.match(state.src, begin_of(state, line), state.eMarks[line])


def whole_fold(state: StateBlock, opens: re.Match[str], start: int, end: int) -> None:
    """Adds one fold. The state goes on behind it, which may be within its last line."""
    last, closes = end_of(state, start, end)
    end_of_last = state.eMarks[last]
    if closes is not None:
        state.eMarks[last] = closes
    fold_open = state.push("details_open", "details", 1)
    fold_open.map = [start, last + 1]
    if opens["unfolded"]:
        fold_open.attrSet("open", "")
    body = summary(state, Place(start, opens.end()), last + 1)
    inside(state, body, last + 1)
    state.push("details_close", "details", -1)
    state.eMarks[last] = end_of_last
    state.line = last + 1
    if closes is not None:
        behind = state.skipSpaces(closes + len(CLOSES))
        if behind < end_of_last:
            state.bMarks[last], state.tShift[last] = behind, 0
            state.sCount[last] = state.blkIndent
            state.line = last


def begin_of(state: StateBlock, line: int) -> int:
    return state.bMarks[line] + state.tShift[line]


def end_of(state: StateBlock, start: int, end: int) -> tuple[int, int | None]:
    """Returns a fold's last line, and where in the text its end stands, if it has one: that of a
    fold inside it, or in code, is none.
    """
    depth, fence = 0, ""
    for line in range(start, end):
        if state.isEmpty(line):
            continue
        if line > start and state.sCount[line] < state.blkIndent:
            return line - 1, None
        at, until = begin_of(state, line), state.eMarks[line]
        if fence:
            said = state.src[at:until].rstrip()
            fence = "" if said.startswith(fence) and not said.strip(fence[0]) else fence
        elif found := FENCE.match(state.src, at, until):
            fence = found.group()
        else:
            depth, closes = end_in_line(state.src, at, until, depth)
            if closes is not None:
                return line, closes
    return end - 1, None


def end_in_line(text: str, at: int, until: int, depth: int) -> tuple[int, int | None]:
    """Returns how deep in folds a line ends that begins `depth` folds deep, and where the outermost
    ends, if it does. One opens where a block begins: first in a line, or behind another's tags.
    """
    depth, at = opened(text, at, until, depth)
    in_code = False
    while found := CODE_OR_CLOSES.search(text, at, until):
        at = found.end()
        if found["code"]:
            in_code = not in_code
        elif not in_code or found["last"] is not None:
            depth -= 1
            if not depth:
                return depth, found.start()
            depth, at = opened(text, at, until, depth)
    return depth, None


def opened(text: str, at: int, until: int, depth: int) -> tuple[int, int]:
    """Returns how deep it is behind the tags that open folds here, and where that is."""
    while opens := OPENS.match(text, at, until):
        depth, at = depth + 1, opens.end()
        if named := SUMMARY.match(text, at, until):
            at = named.end()
    return depth, at


def summary(state: StateBlock, behind: Place, end: int) -> Place:
    """Adds a fold's summary, if the first words `behind` its tag are one. Returns where what it
    folds begins.
    """
    line, at = behind
    while at >= state.eMarks[line] and line + 1 < end:
        line += 1
        at = begin_of(state, line)
    until = min(line + LONGEST_SUMMARY, end)
    rest = state.getLines(line + 1, until, state.blkIndent, False) if until > line + 1 else ""
    text = f"{state.src[at : state.eMarks[line]]}\n{rest}"
    found = SUMMARY.match(text)
    if not found:
        return behind
    state.push("summary_open", "summary", 1)
    inline = state.push("inline", "", 0)
    inline.content, inline.children = " ".join(found["words"].split()), []
    inline.map = [line, line + 1]
    state.push("summary_close", "summary", -1)
    line += found.group().count("\n")
    left = text[found.end() :].partition("\n")[0]
    return Place(line, state.eMarks[line] - len(left))


def inside(state: StateBlock, begin: Place, end: int) -> None:
    """Parses what is folded, which may begin within a line."""
    line, at = begin
    first = (state.bMarks[line], state.tShift[line], state.sCount[line])
    within, whole = state.parentType, state.lineMax
    state.parentType, state.lineMax = "details", end
    state.bMarks[line], state.tShift[line], state.sCount[line] = at, 0, state.blkIndent
    state.md.block.tokenize(state, line, end)
    state.bMarks[line], state.tShift[line], state.sCount[line] = first
    state.parentType, state.lineMax = within, whole


def without_unnamed(text: str) -> str:
    """Leaves out a fold at the end of a growing text until it says what it is called."""
    found = UNNAMED.search(text, max(0, len(text) - LONGEST_UNNAMED))
    return text[: found.start()] if found else text
