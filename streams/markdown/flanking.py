"""Decides whether an emphasis mark opens or closes; static/streams/js/flanking.js mirrors it.

These are CommonMark's flanking rules, which rely on spaces between words, with the amendment for
scripts without spaces: beside an ideograph, punctuation does not prevent a mark from opening or
closing. See https://spec.commonmark.org/0.31.2/#left-flanking-delimiter-run
"""

from __future__ import annotations

import re
import unicodedata

# Letters of scripts written without spaces; then their punctuation. The same in JavaScript.
EAST = (
    "\u1100-\u11ff\u2e80-\u2fff\u3041-\u30ff\u3105-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff"
)
EAST_MARKS = "\u3000-\u303f\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uff65\uffe0-\uffee"
# Zs, and what ends a line; not all that Python or JavaScript calls a space.
SPACE = re.compile(r"[\t-\r \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]|\Z")
IN_THE_EAST = re.compile(f"[{EAST}{EAST_MARKS}]")
LETTER = re.compile(r"[A-Za-z0-9]")


def flanks(before: str, after: str, mark: str) -> tuple[bool, bool]:
    """Tells whether `mark` can open and can close emphasis between two characters; "" is a
    space.
    """
    spaces = is_space(before), is_space(after)
    marks = is_mark(before), is_mark(after)
    east = in_the_east(before), in_the_east(after)
    left = not spaces[1] and (not marks[1] or east[1] or spaces[0] or marks[0] or east[0])
    right = not spaces[0] and (not marks[0] or east[0] or spaces[1] or marks[1] or east[1])
    if mark == "_":  # never within a word
        return left and (not right or marks[0]), right and (not left or marks[1])
    return left, right


def is_space(character: str) -> bool:
    return bool(SPACE.match(character))


def is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS" if character else False


def in_the_east(character: str) -> bool:
    return bool(IN_THE_EAST.match(character))


def waits(before: str, run: str) -> bool:
    """Tells whether a mark inside a word, as in 5*4, is shown as text until its other half
    arrives.
    """
    return len(run) == 1 and bool(LETTER.match(before))
