"""`python -m tests.benchmarks.lexers [name …]`: what code made for it costs each lexer.

Tries what a keyboard has, and twos of what means something somewhere; says the slowest of each
lexer at the longest code that is coloured, and whether its time doubles with its length.
"""

from __future__ import annotations

import itertools
import signal
import string
import sys
import time

from pygments.lexers import get_lexer_by_name

from streams.markdown.highlighting import LANGUAGES, LONGEST
from tests.complexity import repeated

ODD = "0a.'\"`\\/*#<>()[{=$:@-_ \n"
WORDS = ["<<a\n", "/*", "(*", "{-", "{{", "{%", "${", "#{", "0x", "1e", "def a", "a::", "--", "=~"]
FIRST_LOOK = 1000
MOST = 5.0  # seconds of wall: whatever takes longer has been seen enough of


class TooLong(Exception):
    pass


def inputs():
    for piece in [*string.printable[:-2], "é", *WORDS]:
        for tail in ("", "\n!", '"'):
            yield lambda n, it=piece, tail=tail: repeated(it, n - len(tail)) + tail
    for one, two in itertools.permutations(ODD, 2):
        yield lambda n, it=one + two: repeated(it, n)
    for one, two in itertools.product("0a'\"/(<{[\n", " 0a\n"):
        yield lambda n, one=one, two=two: one + repeated(two, n - 1)


def timed(lexer, code):
    """CPU seconds; the main thread's alarm is heard while a pattern matches."""
    began = time.thread_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST)
    try:
        for _ in lexer.get_tokens(code):
            pass
    except TooLong:
        return MOST
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return time.thread_time() - began


def measure(name):
    """The slowest input at its bound, with its times at a quarter, half and all of that."""
    lexer = get_lexer_by_name(name, stripnl=False, ensurenl=False)
    looked = sorted(((timed(lexer, make(FIRST_LOOK)), make) for make in inputs()), key=first)
    slowest = max((make for _, make in looked[-6:]), key=lambda it: timed(lexer, it(LONGEST // 2)))
    return [timed(lexer, slowest(n)) for n in (LONGEST // 4, LONGEST // 2, LONGEST)], slowest(24)


def first(pair):
    return pair[0]


def too_long(*_):
    raise TooLong


def main(names):
    signal.signal(signal.SIGVTALRM, too_long)
    for name in names or sorted({get_lexer_by_name(name).aliases[0] for name in LANGUAGES}):
        times, code = measure(name)
        ratios = f"{times[1] / times[0]:.1f} {times[2] / times[1]:.1f}"
        print(f"{times[2] * 1000:8.0f} ms  x{ratios:10} {name:16} {code!r}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
