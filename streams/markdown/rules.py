"""Rules added to markdown-it: bare addresses, formulas, a few tags, task boxes, headings.

Each examines any character a bounded number of times, so time grows linearly with the text.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock, lheading
from markdown_it.rules_block.html_block import HTML_SEQUENCES
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

from .flanking import EAST, flanks
from .mathml import mathml

# Spaces and punctuation that no address holds as it is; the ASCII ones are not allowed below.
OUTSIDE = (
    "\u0080-\u00bf\u2000-\u206f\u2e00-\u2e7f\u3000-\u303f\ufe10-\ufe1f\ufe30-\ufe6f"
    "\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
ASCII = r"[A-Za-z0-9\-._!$%&'+,;=:@/?#{}]|~(?!~)"
ADDRESS = re.compile(
    rf"""(?:{ASCII}
    | [^\x00-\x7f{OUTSIDE}{EAST}]
    | (?<=[/=?&\#._\-{EAST}])[{EAST}]  # a part of the address begins with it
    | \([^\s()<>"`*]*\) | \[[^\s\[\]<>"`*]*\]
    )+""",
    re.VERBOSE,
)
SCHEME = re.compile(r"(?<![A-Za-z0-9.+\-])https?\Z", re.IGNORECASE)
ENDS_A_SENTENCE = "?!.,:;_~'"
LONGEST_ADDRESS = 2000  # whatever is longer is text

# What a formula begins and ends with; `$` needs more to be one, see `ONE_DOLLAR`.
FORMULAS = {r"\(": r"\)", r"\[": r"\]", "$$": "$$"}
ONE_DOLLAR = re.compile(
    r"""\$(?![\s$])
    (?=[^$\n`]{0,300}[\\^_] | [A-Za-z]'?\$ | [A-Za-z(|][^$\n`]{0,100}[=<>+])
    [^$\n`]{1,300}(?<!\s)\$(?![\w$])""",
    re.VERBOSE,
)
LONGEST_FORMULA = 2000
FEW_TAGS = re.compile(
    r"<(?:br ?/?|(?P<name>sub|sup|kbd|strong|em|b|i)>(?P<words>[^<\n]{1,100})</(?P=name))>"
)

# `[^1]` in a sentence, and `[^1]: ` at the beginning of a line, where it is said.
FOOTNOTE = re.compile(r"\[\^(?P<name>[\w-]{1,30})\](?P<said>:[ \t]+)?")

BOX = re.compile(r"\[([ xX])\][ \t\n\v\f\r]+")
# How a block of HTML begins, where one may follow a paragraph; or a tag alone in its line.
MARKUP = [begins for begins, _, interrupts in HTML_SEQUENCES if interrupts]
TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:[\s/][^<>]*)?>\s*\Z")


def address(state: StateInline, silent: bool) -> bool:
    """Links `https://…` in running text, up to where the sentence continues. Names without a scheme
    are not linked, since `README.md` and `setup.py` would pass for host names.
    """
    at = state.pos
    if silent or state.linkLevel > 0 or not state.src.startswith("://", at):
        return False
    scheme = SCHEME.search(state.src, max(0, at - 6), at)
    if not scheme or not state.pending.endswith(scheme.group()):
        return False
    found = ADDRESS.match(state.src, at + 3, state.posMax)
    if not found:
        return False
    if len(found.group()) > LONGEST_ADDRESS:
        state.append_pending(state.src[at : found.end()])
        state.pos = found.end()
        return True
    url = scheme.group() + "://" + found.group().rstrip(ENDS_A_SENTENCE)
    full = state.md.normalizeLink(url)
    if (url.endswith("/") and url.count("/") == 2) or not state.md.validateLink(full):
        return False
    state.pending = state.pending.removesuffix(scheme.group())
    state.push("link_open", "a", 1).attrs = {"href": full}
    state.push("text", "", 0).content = state.md.normalizeLinkText(url)
    state.push("link_close", "a", -1)
    state.pos = scheme.start() + len(url)
    return True


class Inline(ParserInline):
    """Parses emphasis by the rules of `streams.markdown.flanking`."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class State(StateInline):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:
        mark, end = self.src[start], start
        while end < self.posMax and self.src[end] == mark:
            end += 1
        before = self.src[start - 1] if start else ""
        after = self.src[end] if end < self.posMax else ""
        return Scanned(*flanks(before, after, mark), end - start)


def formula(state: StateInline, silent: bool) -> bool:
    """Parses a formula. What cannot be read as one stays as it was written, with its backslashes
    and underscores.
    """
    begins = state.src[state.pos : state.pos + 2]
    if begins in FORMULAS:
        until = min(state.posMax, state.pos + LONGEST_FORMULA)
        ends = state.src.find(FORMULAS[begins], state.pos + 2, until)
        end = ends + 2 if ends >= 0 and "`" not in state.src[state.pos : ends] else 0
    else:
        found = ONE_DOLLAR.match(state.src, state.pos, state.posMax)
        end = found.end() if found else 0
    if not end:
        return False
    if not silent:
        written = state.src[state.pos : end]
        size = 2 if begins in FORMULAS else 1
        display = begins in ("$$", r"\[")
        if math := mathml(written[size:-size].strip(), display=display):
            state.push("html_inline", "", 0).content = math
        else:
            state.append_pending(written)
    state.pos = end
    return True


def tag(state: StateInline, silent: bool) -> bool:
    """Parses the few tags that do no harm: a line break; short words raised, lowered, as keys
    or emphasised, as models write them in a fold's summary.
    """
    found = FEW_TAGS.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    if not silent:
        name, words = found.group("name", "words")
        said = {"b": "strong", "i": "em"}.get(name, name)
        for kind, content in (
            [("html_inline", f"<{said}>"), ("text", words), ("html_inline", f"</{said}>")]
            if name
            else [("html_inline", "<br>")]
        ):
            state.push(kind, "", 0).content = content
    state.pos = found.end()
    return True


def footnote(state: StateInline, silent: bool) -> bool:
    """Parses the mark of a footnote, as a raised word both where it is named and where it is said.

    The two are no links to each other: a block of an answer is final before the next one is there,
    and many answers of one page count their footnotes from 1.
    """
    found = FOOTNOTE.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    before = state.src[max(0, state.pos - 4) : state.pos].rstrip(" ")  # indented by three at most
    said = bool(found["said"]) and (before.endswith("\n") or (not before and state.pos < 4))
    if not silent:
        if said and state.pos:
            state.push("html_inline", "", 0).content = "<br>"
        state.push("html_inline", "", 0).content = "<sup>"
        state.push("text", "", 0).content = found["name"] if said else f"[{found['name']}]"
        state.push("html_inline", "", 0).content = "</sup>" + " " * said
    state.pos = found.end() if said else found.end("name") + 1
    return True


def formula_lines(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parses a formula block, between lines `\\[` and `\\]` or two lines `$$`, as one paragraph
    without lists or headings. Without its end it goes on to the next empty line.
    """
    ends = FORMULAS.get(line_of(state, start))
    if ends is None or state.is_code_block(start):
        return False
    if silent:
        return True
    following = start + 1
    while following < end and not state.isEmpty(following):
        if state.sCount[following] < state.blkIndent:
            break
        following += 1
        if line_of(state, following - 1).endswith(ends):
            break
    state.line = following
    state.push("paragraph_open", "p", 1).map = [start, following]
    inline = state.push("inline", "", 0)
    inline.content = state.getLines(start, following, state.blkIndent, False).strip()
    inline.map, inline.children = [start, following], []
    state.push("paragraph_close", "p", -1)
    return True


def line_of(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].strip()


def task_boxes(state: StateCore) -> None:
    """Renders `- [ ] words` with a checkbox, ticked or not."""
    following = zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False)
    for item, paragraph, inline in following:
        if item.type != "list_item_open" or paragraph.type != "paragraph_open":
            continue
        box = BOX.match(inline.content)
        if box and inline.children:
            item.attrSet("class", "task")
            ticked = "" if box.group(1) == " " else ' checked="checked"'
            token = Token("html_inline", "", 0, content=f'<input type="checkbox"{ticked}>')
            inline.children[0].content = inline.children[0].content[3:]
            inline.children.insert(0, token)


def heading_of_words(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parses an underlined heading, but not under a line of HTML, which is text here."""
    tokens, line = len(state.tokens), state.line
    if not lheading(state, start, end, silent):
        return False
    words = state.tokens[tokens + 1].content.split("\n")
    if not any(holds_markup(each.strip()) for each in words):
        return True
    del state.tokens[tokens:]
    state.line = line
    return False


def holds_markup(line: str) -> bool:
    return line.startswith("<") and bool(
        TAG.match(line) or any(begins.search(line) for begins in MARKUP)
    )
