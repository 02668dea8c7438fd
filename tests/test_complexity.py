"""Text that was made to take long takes time in proportion to its length."""

from __future__ import annotations

import pytest

from streams import markdown
from tests.complexity import growth, is_linear, repeated

MOST = 8000
# Found by trying every one and every two of sixty pieces of Markdown.
PIECES = [
    "://", "https://a.", "https://a. ", "<http://", "<a@b.c", "- [ ] a\n", "[", "![", "[a](",
    "[a](<", '[a](b "', "]", "*", "**a ", "*a_", "_a_ ", "~~", "`", "`` ` ", "\\", "\\(", "$$",
    "&", "&#", "|a|b\n", "> ", "- ", "1. ", "\t", "```\n", "<div>\n---\n", "a\n---\n", "。**",
    "\r", "{", "<!--", "$x^2$ ", "\\(x\\)", "\\(x", "$x^", "<br>", "<sub>", "<sup>a",
    "[^", "[^1]", "\n[^1]: ", "<details>\n", "<details>a</details>\n", "<details>\n<summary>",
    "- <details>\n", "<details>a</details>", "<details>", "</details>`", "<details>\na</details>b",
]  # fmt: skip
HALVES = [
    ("[", "_a_ "),
    ("[", "]"),
    ("![", "]("),
    ("*", "_"),
    ("|", "-"),
    ("- ", "a\n"),
    ("`", "``"),
]


def render(text):
    markdown.kept.cache_clear()
    markdown.render(text)


@pytest.mark.parametrize("work", [render, markdown.render_open, markdown.split])
def test_markdown_made_of_one_piece_takes_time_in_proportion(work):
    times = {piece: growth(work, lambda n, it=piece: repeated(it, n), MOST) for piece in PIECES}
    assert {piece: it for piece, it in times.items() if not is_linear(it)} == {}


@pytest.mark.parametrize("halves", HALVES)
def test_markdown_made_of_two_halves_takes_time_in_proportion(halves):
    first, second = halves
    times = growth(render, lambda n: repeated(first, n // 2) + repeated(second, n // 2), MOST)
    assert is_linear(times)


def test_the_measure_sees_what_it_is_there_for():
    assert not is_linear(growth(lambda text: [text.count("x") for _ in text], "a".__mul__, 8000))
