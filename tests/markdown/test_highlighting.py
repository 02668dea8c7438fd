"""Highlighting code takes a bounded time for any text."""

from __future__ import annotations

import os
import resource
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pygments.lexers import get_lexer_by_name

from streams.markdown import highlighting, render_budget
from streams.markdown.highlighting import (
    COLOURIST,
    LANGUAGES,
    LONGEST,
    PATIENCE,
    Colourist,
    coloured,
)
from tests.complexity import repeated

# Of what `python -m tests.benchmarks.lexers` finds, the worst: some take minutes.
HOSTILE = ["a\n", '\\"', "{0"]
INT = '<span class="kt">int</span>\n'


def test_code_of_a_known_language_is_coloured_and_any_other_is_plain():
    assert '<span class="k">def</span>' in coloured("def f(): pass", "python")
    assert coloured("a < b", "easytrieve") == coloured("a < b", "") == "a &lt; b"


def test_every_language_on_the_list_has_a_lexer_that_keeps_the_code():
    assert {name for name in LANGUAGES if "x" not in coloured("x", name)} == set()


@pytest.fixture(scope="module")
def named():
    """A name of each lexer: some languages on the list have several."""
    return sorted({get_lexer_by_name(name).aliases[0] for name in LANGUAGES})


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_lexer_takes_longer_than_it_may(piece, named, monkeypatch):
    monkeypatch.setattr(highlighting, "PATIENCE", 0.03)
    code = "a" + repeated(piece, LONGEST - 1)
    took = {name: COLOURIST.ask(name, code)[1] for name in named}
    assert {name: seconds for name, seconds in took.items() if seconds > 0.2} == {}


@pytest.mark.parametrize(
    ("language", "code"),
    [("csharp", "a\n" * (LONGEST // 2)), ("ocaml", "0" * LONGEST), ("c", "a" + "\n" * 7000)],
)
def test_a_pattern_that_would_take_minutes_is_broken_off(language, code):
    html, seconds = COLOURIST.ask(language, code)
    assert html is None or seconds < PATIENCE
    assert seconds < PATIENCE + 0.2
    assert coloured(code, language) == code


def test_longer_code_is_not_looked_at():
    assert coloured("0\n" * LONGEST, "c") == "0\n" * LONGEST


def test_what_the_other_process_worked_counts(monkeypatch):
    monkeypatch.setattr(COLOURIST, "ask", lambda *_: (None, 10.0))
    with render_budget.limited(5):
        coloured("x", "c")
        with pytest.raises(render_budget.OutOfTime):
            coloured("x", "c")


def test_one_that_died_or_says_nothing_is_replaced(monkeypatch):
    colourist = Colourist()
    assert colourist.ask("c", "int\n")[0] == INT
    colourist._process.kill()
    colourist._process.wait()
    answers = [colourist.ask("c", "int\n")[0] for _ in range(2)]
    assert answers[-1] == INT
    monkeypatch.setattr(highlighting, "SILENCE", 0.05)
    colourist._process.send_signal(signal.SIGSTOP)  # or it may be quicker than we look
    assert colourist.ask("c", "int\n")[0] is None
    monkeypatch.undo()
    assert colourist.ask("c", "int\n")[0] == INT
    colourist._process.kill()
    colourist._process.wait()


def test_a_process_with_a_thousand_streams_open_has_colours_too():
    """`select.select` knows no file beyond the 1,024th."""
    limits_before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limits_before[1]), limits_before[1]))
    streams = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    colourist = Colourist()
    try:
        assert colourist.ask("c", "int\n")[0] == INT
        assert colourist._process.stdout.fileno() > 1024
    finally:
        for each in streams:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits_before)
        if colourist._process:
            colourist._process.kill()
            colourist._process.wait()


def test_a_fork_has_one_of_its_own():
    coloured("x", "c")
    before = COLOURIST._process.pid
    read, write = os.pipe()
    if not (child := os.fork()):
        os.write(write, b"shared" if COLOURIST._process else b"alone")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 10) == b"alone"
    assert COLOURIST._process.pid == before


def test_many_who_ask_at_once_each_get_their_own():
    with ThreadPoolExecutor(8) as people:
        said = list(people.map(lambda n: coloured(f"{n}\n", "python"), range(40)))
    assert said == [f'<span class="mi">{n}</span>\n' for n in range(40)]


def test_it_goes_when_nobody_is_there_to_ask():
    colourist = Colourist()
    colourist.ask("c", "int\n")
    process = colourist._process
    process.stdin.close()
    began = time.monotonic()
    assert process.wait(10) == 0
    assert time.monotonic() - began < 10
