"""A rule added to markdown-it: `<details>` with its `<summary>`, as one block that holds others."""

from __future__ import annotations

import re
from typing import NamedTuple

from markdown_it.rules_block import StateBlock

OPENS = re.compile(r"<details(?P<unfolded> open(?:=\"\")?)?>[ \t]*")
SUMMARY = re.compile(r"<summary>(?P<words>(?:(?!</?summary>).){1,300}?)</summary>[ \t]*", re.DOTALL)
CLOSES = "</details>"
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
    """Parses `<details>`, up to the `</details>` that ends a line. Whatever stands between the two
    is Markdown. Without its end the fold goes on to that of the text, or of what it stands in, as a
    code block does.
    """
    opens = OPENS.match(state.src, begin_of(state, start), state.eMarks[start])
    if not opens or state.is_code_block(start):
        return False
    if silent:
        return True
    last, closed = last_line(state, start, end)
    end_of_last = state.eMarks[last]
    if closed:
        said = state.src[begin_of(state, last) : end_of_last].rstrip()
        state.eMarks[last] = begin_of(state, last) + len(said) - len(CLOSES)
    fold_open = state.push("details_open", "details", 1)
    fold_open.map = [start, last + 1]
    if opens["unfolded"]:
        fold_open.attrSet("open", "")
    body = summary(state, Place(start, opens.end()), last + 1)
    inside(state, body, last + 1)
    state.push("details_close", "details", -1)
    state.eMarks[last] = end_of_last
    state.line = last + 1
    return True


def begin_of(state: StateBlock, line: int) -> int:
    return state.bMarks[line] + state.tShift[line]


def last_line(state: StateBlock, start: int, end: int) -> tuple[int, bool]:
    """Returns a fold's last line, and whether its end stands there: that of a fold inside it, or in
    a code block, is none.
    """
    depth, fence = 0, ""
    for line in range(start, end):
        if state.isEmpty(line):
            continue
        if line > start and state.sCount[line] < state.blkIndent:
            return line - 1, False
        said = state.src[begin_of(state, line) : state.eMarks[line]].rstrip()
        if fence:
            fence = "" if said.startswith(fence) and not said.strip(fence[0]) else fence
        elif found := FENCE.match(said):
            fence = found.group()
        else:
            depth += bool(OPENS.match(said))
            depth -= said.endswith(CLOSES)
            if not depth:
                return line, True
    return end - 1, False


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
