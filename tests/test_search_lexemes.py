"""The words that a search looks for, and the texts that it finds."""

from __future__ import annotations

import pytest

from streams import search_lexemes
from tests.complexity import growth, is_linear, repeated


def found(text, asked):
    """Tells whether the database would find the text, with its prefixes."""
    known = [each.partition(":")[2] for each in search_lexemes.lexemes("1", text)]
    terms = search_lexemes.query("1", asked).replace("'", "").split(" & ")
    words = [term.partition(":")[2] for term in terms if term]

    def there(word):
        if word.endswith(":*"):
            return any(each.startswith(word[:-2]) for each in known)
        return word in known

    return bool(words) and all(map(there, words))


@pytest.mark.parametrize(
    ("text", "asked", "there"),
    [
        ("A lighthouse at sea", "light sea", True),
        ("A lighthouse at sea", "house", False),
        ("Süße Brötchen", "BROTCHEN", True),
        ("Süße Brötchen", "süsse", True),
        ("ana@example.com, https://example.org/path_to", "example path to org", True),
        ("version 3.14", "3.14", True),
        ("東京都に住む", "京都", True),
        ("東京都に住む", "東都", False),
        ("東京都に住む", "住", True),
        ("東京都に住む", "む", True),
        ("Python3で書く", "python3 書く", True),
        ("an apple", "a", False),
        ("anything", "", False),
        ("anything", " ' & | ! :* \\", False),
    ],
)
def test_words_are_found_by_their_beginnings(text, asked, there):
    assert found(text, asked) is there


def test_the_words_of_two_people_are_not_the_same():
    assert not {*search_lexemes.lexemes("1", "same")} & {*search_lexemes.lexemes("2", "same")}


@pytest.mark.parametrize(
    ("text", "asked", "shown"),
    [
        ("One two three", "two", ("One ", "two", " three")),
        ("One\n\ntwo", "TW", ("One ", "two", "")),
        ("Ein süßes Brötchen", "brot", ("Ein süßes ", "Brötchen", "")),
        ("東京都に住む", "京都", ("東", "京都", "に住む")),
        (f"{'x' * 300} word {'y' * 300}", "word", (f"…{'x' * 89} ", "word", f" {'y' * 89}…")),
        ("Nothing of it", "else", ("Nothing of it", "", "")),
        ("## One\n\n- **two** `three`\n- 2 * 3 #4", "two", ("One ", "two", " three 2 * 3 #4")),
    ],
)
def test_an_excerpt_shows_the_word_where_it_stands(text, asked, shown):
    assert search_lexemes.excerpt(text, asked) == shown


def test_a_message_of_many_words_keeps_within_what_the_index_holds():
    text = " ".join(f"{'w' * 30}{n}" for n in range(40_000))
    assert sum(len(word) for word in search_lexemes.lexemes("1", text)) <= search_lexemes.MOST_BYTES


@pytest.mark.parametrize("piece", ["a ", "é", "東", "東a", "a_", " ", "ﷺ"])
def test_words_take_time_in_proportion(piece):
    for work in (
        lambda text: search_lexemes.lexemes("1", text),
        lambda text: search_lexemes.excerpt(text, "b 京"),
    ):
        assert is_linear(growth(work, lambda n: repeated(piece, n), 40_000))
