"""Highlights code in a process of its own, which ends when its input is closed.

Some lexers' patterns take minutes for code written against them, and only the main thread of a
process can be interrupted inside a match. Each request is a line of JSON (language, code, seconds
of CPU), each response another (HTML or null, seconds used).
"""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import Any

from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name

COLOURS = HtmlFormatter(nowrap=True)


class TooLong(BaseException):
    """Raised in a lexer when its time is up. Not an Exception, which lexers may catch."""


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as meant for the other
    signal.signal(signal.SIGVTALRM, give_up)
    for line in sys.stdin.buffer:
        language, code, seconds = json.loads(line)
        began = time.process_time()
        html = coloured(code, language, seconds)
        print(json.dumps([html, time.process_time() - began]), flush=True)


def give_up(*_: Any) -> None:
    raise TooLong


def coloured(code: str, language: str, seconds: float) -> str | None:
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        html = str(highlight(code, lexer, COLOURS))
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except TooLong:
        return None
    return html


if __name__ == "__main__":
    main()
