"""Code in colours, within limits.

What a model writes names the lexer, and there are lexers whose regular expressions take minutes
for text made for them; while one matches, the whole process stands still. So the languages are
a list of well-behaved ones, and a code block has a length and a time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from html import escape
from typing import Any

from pygments import format as formatted
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from .rendering import check_time

NAMES = """
    bash sh shell zsh c cpp c++ csharp cs c# objective-c objectivec css scss less html xml
    javascript js jsx typescript ts tsx json json5 jsonld python py python3 pycon java kotlin
    scala groovy swift go golang rust rs ruby rb php perl lua r julia jl haskell hs ocaml elixir
    ex erlang clojure clj lisp scheme fsharp dart zig nim sql postgresql postgres mysql
    graphql yaml yml toml ini dockerfile docker make makefile cmake nginx diff udiff markdown md
    tex latex protobuf proto terraform hcl tf powershell ps1 awk vim jinja django
"""
LANGUAGES = frozenset(NAMES.split())
LONGEST = 8_000  # characters
PATIENCE = 0.25  # seconds of this thread
COLOURS = HtmlFormatter(nowrap=True)


def coloured(code: str, language: str) -> str:
    """HTML of `code`, with a class on what the language knows; plain where that is too much."""
    if language not in LANGUAGES or len(code) > LONGEST:
        return escape(code)
    tokens = get_lexer_by_name(language, stripnl=False, ensurenl=False).get_tokens(code)
    try:
        return str(formatted(in_time(tokens), COLOURS))
    except TimeoutError:
        return escape(code)


def in_time(tokens: Iterator[Any]) -> Iterator[Any]:
    """Raises TimeoutError when getting at the tokens takes too long, and OutOfTime when all that
    they are part of does."""
    end = time.thread_time() + PATIENCE
    for token in tokens:
        check_time()
        if time.thread_time() > end:
            raise TimeoutError
        yield token
