"""HTML that is kept for the next page, as much of it as there is room for."""

from __future__ import annotations

from django.utils.translation import override

from streams import markdown
from streams.markdown import rendering
from streams.markdown.render_budget import limited
from streams.markdown.render_cache import EACH, RenderCache


def test_the_least_recently_used_is_dropped_first():
    cache = RenderCache(most=4 * (EACH + 3))
    for text in ("a", "b", "c", "d"):
        cache.keep(text, text * 3)
    assert cache.get("a") == "aaa"
    cache.keep("e", "eee")
    assert [cache.get(text) for text in "abcde"] == ["aaa", None, "ccc", "ddd", "eee"]


def test_one_long_answer_does_not_push_out_all_others():
    cache = RenderCache(most=4 * (EACH + 3))
    cache.keep("a", "aaa")
    cache.keep("long", "x" * (EACH + 3))
    assert (cache.get("a"), cache.get("long")) == ("aaa", None)


def test_the_same_text_kept_again_takes_no_more_room():
    cache = RenderCache(most=4 * (EACH + 3))
    for _ in range(9):
        cache.keep("a", "aaa")
    for text in ("b", "c", "d"):
        cache.keep(text, text * 3)
    assert cache.get("a") == "aaa"


def test_a_text_is_formatted_once(monkeypatch):
    text = "Formatted **once**."
    html = markdown.render(text)
    monkeypatch.setattr(rendering, "split", None)
    assert markdown.render(text) == html


def test_what_time_ran_out_for_is_formatted_the_next_time():
    text = "Not **yet** formatted."
    with limited(seconds=-1.0):
        assert "<strong>" not in markdown.render(text)
    assert "<strong>yet</strong>" in markdown.render(text)


def test_each_reader_has_the_buttons_in_their_own_language():
    text = "```\nsome code of two readers\n```\n"
    with override("de"):
        german = markdown.render(text)
    with override("en"):
        english = markdown.render(text)
    assert (">Kopieren<" in german, ">Copy<" in english) == (True, True)


def test_answers_of_a_word_do_not_fill_the_memory():
    cache = RenderCache(most=100 * EACH)
    for n in range(1000):
        cache.keep(f"{n}", "")
    assert len(cache._kept) <= 100
