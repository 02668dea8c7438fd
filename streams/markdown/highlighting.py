"""Highlights code within limits of length and CPU time, in a process of its own.

The model's text names the lexer, and some lexers' regular expressions take minutes for a text
written against them, during which their whole process stands still. See `highlighter_process`.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import threading
from contextlib import suppress
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
    """Returns the HTML of `code` with classes on its tokens, or plain HTML beyond the limits."""
    if language not in LANGUAGES or len(code) > LONGEST:
        return escape(code)
    check_time()
    html, seconds = COLOURIST.ask(language, code)
    charge(seconds)
    return escape(code) if html is None else html


class Colourist:
    """Runs the highlighter process: starts it on first use, and again whenever it did not
    answer.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Drops the process after a fork: parent and child would read each other's answers."""
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, language: str, code: str) -> tuple[str | None, float]:
        """Returns the HTML, or None if it took too long, and the seconds of CPU it used."""
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
    """Returns the process's answer; ends it and raises OSError or ValueError if that is none."""
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
        with suppress(BrokenPipeError):  # of what it has not taken
            process.stdin.close()
        raise


def says_something(output: IO[bytes]) -> bool:
    """Waits up to `SILENCE` for the process to answer. It does not use `select.select`, which
    cannot wait for file descriptors above 1023, as a process with a thousand streams has.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        return bool(selector.select(SILENCE))


COLOURIST = Colourist()
os.register_at_fork(after_in_child=COLOURIST.forget)
