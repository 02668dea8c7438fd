"""Colours for code cost no more than a moment, whatever a model writes."""

from __future__ import annotations

import time

import pytest

from streams.highlighting import LANGUAGES, LONGEST, PATIENCE, coloured


def test_code_of_a_known_language_is_coloured_and_any_other_is_plain():
    assert '<span class="k">def</span>' in coloured("def f(): pass", "python")
    assert coloured("a < b", "easytrieve") == coloured("a < b", "") == "a &lt; b"


def test_every_language_on_the_list_has_a_lexer_that_keeps_the_code():
    assert {name for name in LANGUAGES if "x" not in coloured("x", name)} == set()


@pytest.mark.parametrize(
    ("language", "code"),
    [("easytrieve", "\t" * 2000 + "\n!"), ("cpp", "\n" * (LONGEST - 1)), ("c", "\n" * 100_000)],
    ids=["a lexer that takes 14 s", "many small matches", "longer than is looked at"],
)
def test_code_made_to_take_long_is_plain_in_a_moment(language, code):
    began = time.thread_time()
    assert "<span" not in coloured(code, language).replace('<span class="w">', "")
    assert time.thread_time() - began < PATIENCE + 1
