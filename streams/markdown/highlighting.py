"""Code in colours, within limits, by a process of its own (`streams.markdown.highlighter_process`).

What a model writes names the lexer, and there are lexers whose regular expressions take minutes
for text made for them; while one matches, its whole process stands still. So a code block has a
length and a time, and another process that is told to break off.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import threading
from html import escape
from typing import IO

from . import highlighter_process
from .render_budget import charge, check_time

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
PATIENCE = 0.25  # seconds of a processor
SILENCE = 5.0  # seconds: whatever holds it up, it is not waited for


def coloured(code: str, language: str) -> str:
    """HTML of `code`, with a class on what the language knows; plain where that is too much."""
    if language not in LANGUAGES or len(code) > LONGEST:
        return escape(code)
    check_time()
    html, seconds = COLOURIST.ask(language, code)
    charge(seconds)
    return escape(code) if html is None else html


class Colourist:
    """The other process: begun when first asked, and anew whenever it did not answer."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """A fork shares the pipe of its parent, and would read what others asked."""
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, language: str, code: str) -> tuple[str | None, float]:
        """HTML, or None where it takes too long; and how much of a processor that took."""
        with self._lock:
            if self._process is None:
                self._process = begun()
            try:
                return answer_of(self._process, [language, code, PATIENCE])
            except (OSError, ValueError):
                return None, PATIENCE
            finally:
                if self._process.poll() is not None:
                    self._process = None


def begun() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", highlighter_process.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def answer_of(process: subprocess.Popen[bytes], asked: list[object]) -> tuple[str | None, float]:
    """Raises OSError or ValueError, and ends the process, when it says nothing that is one."""
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        process.stdin.flush()
        if not says_something(process.stdout):
            raise TimeoutError
        html, seconds = json.loads(process.stdout.readline())
        return html, seconds
    except BaseException:
        process.kill()
        process.wait()
        raise


def says_something(output: IO[bytes]) -> bool:
    """Within `SILENCE`; not by `select.select`, which knows no file beyond the 1,024th, and a
    process that has a thousand streams open has more."""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        return bool(selector.select(SILENCE))


COLOURIST = Colourist()
os.register_at_fork(after_in_child=COLOURIST.forget)
