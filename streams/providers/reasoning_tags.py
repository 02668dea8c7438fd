"""Separates reasoning that a model writes into its text between <think> and </think>, as it grows.

Only a tag at the very beginning opens reasoning. A closing tag without one is left over where the
model's template had opened it: the text before it was shown and stays, the tag is removed. Tags in
code, in quotes or in pairs are part of what the author wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

from streams.providers.base import Kind

OPEN, CLOSE, MENTION = "<think>", "</think>", "<think"
EMPTY = ("<think/>", "<think />")
MOST_TAGS = 10  # each costs a look at all that is behind it
BLANK = 100  # characters of white space that may come before a first tag
FENCE = re.compile(r" {0,3}(?:```|~~~)")
FENCE_LENGTH = 6
QUOTES = tuple("\"'“‘„«(")

Part = tuple[Kind, str]


class At(Enum):
    """The part of the answer that the text has reached."""

    START = auto()  # before its first word
    THOUGHT = auto()
    UNTAGGED = auto()  # in text that no tag has come before
    ANSWER = auto()  # in text that is text, whatever comes


class Thoughts:
    """Separates text from reasoning. `split` takes more text and yields what is certain; `rest`
    yields what was kept back: a possible beginning of a tag, and white space before a first one.
    """

    def __init__(self) -> None:
        self._at = At.START
        self._held = ""
        self._trims = False  # behind a tag the white space goes too
        self._tags = 0
        self._line = Line()

    def split(self, text: str) -> Iterator[Part]:
        if self.goes_on(text):
            yield Kind.TEXT, text
            return
        self._held += text
        before = None
        while before != (self._at, self._tags):
            before = self._at, self._tags
            match self._at:
                case At.START:
                    self._start()
                case At.THOUGHT:
                    yield from self._thought()
                case At.UNTAGGED:
                    yield from self._untagged()
                case At.ANSWER:
                    yield from self._take(Kind.TEXT, len(self._held))

    def goes_on(self, text: str) -> bool:
        """Tells whether this is text without a tag, as nearly all is, and takes it in if so: all of
        it is certain then. If not, `split` has to be asked.
        """
        if self._held:
            return False
        if self._at is At.UNTAGGED and "<" not in text:
            self._line.read(text)
            return True
        return self._at is At.ANSWER

    def rest(self) -> Iterator[Part]:
        if self._trims:
            self._held = self._held.lstrip()
        kind = Kind.REASONING if self._at is At.THOUGHT else Kind.TEXT
        yield from self._take(kind, len(self._held))

    def _start(self) -> None:
        begun = self._held.lstrip()
        tag = next((tag for tag in (OPEN, *EMPTY) if begun.startswith(tag)), "")
        if tag and self._tags < MOST_TAGS:
            self._behind(tag, At.THOUGHT if tag == OPEN else At.START)
        elif len(self._held) > BLANK or not any(tag.startswith(begun) for tag in (OPEN, *EMPTY)):
            self._held = begun if self._trims else self._held
            self._trims = False
            self._at = At.ANSWER if self._tags else At.UNTAGGED

    def _thought(self) -> Iterator[Part]:
        if self._trims:
            self._held = self._held.lstrip()
        end = self._held.find(CLOSE)
        upto = end if end >= 0 else len(self._held) - begun_tag(self._held, CLOSE)
        if upto:
            self._trims = False
        yield from self._take(Kind.REASONING, upto)
        if end >= 0:
            self._behind(CLOSE, At.START)

    def _untagged(self) -> Iterator[Part]:
        """Yields text until a closing tag that stands alone, or until the tags themselves are the
        subject.
        """
        end = self._held.find(CLOSE)
        mention = self._held.find(MENTION)
        if 0 <= mention < end or mention >= 0 > end:
            self._at = At.ANSWER
            return
        upto = end if end >= 0 else len(self._held) - begun_tag(self._held, CLOSE, MENTION)
        self._line.read(self._held[:upto])
        yield from self._take(Kind.TEXT, upto)
        if end >= 0 and self._line.quotes:
            self._at = At.ANSWER
        elif end >= 0:
            self._behind(CLOSE, At.START)
            self._trims = not self._line.begun  # or the next word would go on with the last

    def _behind(self, tag: str, at: At) -> None:
        self._at, self._held = at, self._held.lstrip().removeprefix(tag)
        self._trims = True
        self._tags += 1

    def _take(self, kind: Kind, upto: int) -> Iterator[Part]:
        taken, self._held = self._held[:upto], self._held[upto:]
        if taken:
            yield kind, taken


class Line:
    """Tracks whether the text so far ends inside a quotation or code."""

    def __init__(self) -> None:
        self._fenced = False
        self._beginning = ""
        self._ticks = 0
        self._last = ""

    @property
    def quotes(self) -> bool:
        return self._fenced or self._ticks % 2 == 1 or self._last in QUOTES

    @property
    def begun(self) -> bool:
        return self._last != ""

    def read(self, text: str) -> None:
        if "\n" not in text:
            self._go_on(text)
            self._last = text[-1:] or self._last
            return
        first, *others = text.split("\n")
        self._go_on(first)
        for line in others:
            self._fenced ^= FENCE.match(self._beginning) is not None
            self._beginning, self._ticks = "", 0
            self._go_on(line)
        self._last = text[-1:] or self._last

    def _go_on(self, text: str) -> None:
        if len(self._beginning) < FENCE_LENGTH:
            self._beginning = (self._beginning + text)[:FENCE_LENGTH]
        self._ticks += text.count("`")


def begun_tag(text: str, *tags: str) -> int:
    """Returns how many characters at the end of the text may be the beginning of one of these
    tags.
    """
    longest = max(map(len, tags)) - 1
    tail = text[-longest:]
    at = tail.rfind("<")
    if at < 0 or not any(tag.startswith(tail[at:]) for tag in tags):
        return 0
    return len(tail) - at
