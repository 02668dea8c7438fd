"""Markdown: safe whatever a model writes, and final block by block."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams import markdown

MARKS = "a,b c,# ,- ,1. ,2,. x,> ,```,```py\n,***,**,*,---,===,    ,[x]: /y\n,<b>,`,😀,\\,[x] "
PIECES = st.sampled_from([*MARKS.split(","), "|a|b|\n", "|-|-:|\n", "\n", "\n\n", "\r", "\t"])
TEXTS = st.lists(PIECES, max_size=30).map("".join)


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.integers(0, 200))
@example("a\n***bold***", 5)
@example("- a\n\n2. b", 6)
@example("a\n#b", 3)
def test_a_closed_block_is_final_whatever_comes_after(text, cut):
    before = markdown.split(text[:cut]).closed
    assert markdown.split(text).closed[: len(before)] == before


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_blocks_one_by_one_give_what_the_whole_text_gives(text):
    parts = markdown.split(text)
    assert "".join(parts.closed) + parts.open == text
    assert markdown.render(text) == markdown.fresh(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80) | TEXTS)
def test_nothing_that_runs_or_loads_comes_out(text):
    html = markdown.render(
        text + "\n\n<script>x</script><img src=x onerror=y>![i](https://e.vil/p)"
    )
    for forbidden in ("<script", "<img", "<iframe", "<style", " style=", "<svg"):
        assert forbidden not in html


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "vbscript:x", "/sign-out/"],
)
def test_a_link_leads_to_the_web_or_nowhere(address):
    assert "href" not in markdown.render(f"[x]({address})") + markdown.render(f"![x]({address})")


def test_links_leave_no_way_back_and_open_beside():
    html = markdown.render('[x](https://example.org "t")')
    assert 'rel="noopener nofollow"' in html
    assert 'target="_blank"' in html


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://example.com/a_b_c?x=1&y=2.", "https://example.com/a_b_c?x=1&amp;y=2"),
        ("(https://en.wikipedia.org/wiki/A_(b))", "https://en.wikipedia.org/wiki/A_(b)"),
        ("**http://example.com**", "http://example.com"),
    ],
)
def test_an_address_among_the_words_is_a_link(text, address):
    assert f'<a href="{address}" target="_blank"' in markdown.render(text)
    assert f">{address}</a>" in markdown.render(text)


@pytest.mark.parametrize(
    "text",
    ["README.md and setup.py", "www.example.com", "a@b.example", "// example.com", "ftp://a.b/c"],
)
def test_what_only_looks_like_an_address_is_text(text):
    assert "<a" not in markdown.render(text)
    assert "<a" not in markdown.render(f"`https://example.com` and `{text}`")


def test_an_address_that_is_still_growing_is_no_link_yet():
    assert "<a" not in markdown.render_open("See https://exam").html


def test_code_has_its_language_a_copy_button_and_colours():
    html = markdown.render("```python\nx = 1\n```")
    assert "<span>python</span>" in html
    assert 'class="code-copy"' in html
    assert '<span class="mi">1</span>' in html


def test_code_in_an_unknown_language_is_text():
    html = markdown.render('```"><script>\n<b>&\n```')
    assert "&lt;b&gt;&amp;" in html
    assert "<script>" not in html


def test_a_table_aligns_by_class():
    assert '<td class="align-right">1</td>' in markdown.render("|a|\n|-:|\n|1|\n")


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("א", "p"), ("# א", "h1"), ("###### א", "h6"), ("- א\n\n- b", "ul"), ("1. א", "ol"),
        ("> א\n> - ב", "blockquote"), ("|א|\n|-|\n|ב|\n", 'div class="table" tabindex="0"'),
    ],
)  # fmt: skip
def test_a_block_runs_the_way_its_first_words_do_and_takes_what_it_holds_along(text, tag):
    html = markdown.render(text)
    assert html.startswith(f'<{tag} dir="auto">')
    assert html.count("dir=") == 1


def test_code_runs_from_left_to_right_among_any_words():
    html = markdown.render("א `b(c)`\n\n```\nא\n```")
    assert html.count('<code dir="ltr">') == 2
    assert '<pre tabindex="0" dir="ltr">' in html


def test_a_model_sets_no_direction():
    assert markdown.CLEANER.clean('<p dir="rtl" class="x">a</p><li dir="auto">b') == (
        "<p>a</p><li>b</li>"
    )


def test_a_task_is_a_box_that_nobody_can_tick():
    def boxes(html):
        return [set(attributes.split()) for attributes in re.findall(r"<input ([^>]+)>", html)]

    html = markdown.render("- [x] a\n- [ ] b\n- [c]\n\n[ ] d")
    box = {'type="checkbox"', 'disabled=""', 'aria-label="Done"'}
    assert boxes(html) == [box | {'checked="checked"'}, box]
    assert "[c]" in html
    assert "[ ] d" in html
    assert boxes(markdown.CLEANER.clean("<input type=text name=x onfocus=y>")) == [box]


def test_a_reference_definition_is_text_and_changes_no_other_block():
    assert ">[x]</p>" in markdown.render("[x]\n\n[x]: https://example.org")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("- **Open it on", "<li><strong>Open it on</strong></li>"),
        ("a **b *c", "a <strong>b <em>c</em></strong></p>"),
        ("a `co*", 'a <code dir="ltr">co*</code></p>'),
        ("see **", ">see</p>"),
        ("[the docs](https://exa", ">the docs</p>"),
        ("5 ** 2 * 3", ">5 ** 2 * 3</p>"),
        ("`**` or \\* and 2 * 3", '<code dir="ltr">**</code> or * and 2 * 3</p>'),
        ("- a\n* ", "<li>a</li>"),
        ("```\na **b", "a **b"),
    ],
)
def test_growing_text_does_not_show_marks_that_wait_for_their_other_half(text, html):
    assert html in markdown.render_open(text).html


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\n\n##", "a\n\n"),
        ("a\n-", "a\n"),
        ("- a\n- **", "- a\n"),
        ("a\n\n12", "a\n\n"),
        ("a\n\n12 men", "a\n\n12 men"),
        ("a\n\n| x |\n|--", "a\n\n"),
        ("| x |\n|---|\n| 1", "| x |\n|---|\n"),
        ("```py", ""),
        ("```python\n# |", "```python\n# |"),
        ("```python\nx\n``", "```python\nx\n"),
        ("```\nx\n```\n**", "```\nx\n```\n"),
    ],
)
def test_a_line_that_may_still_become_anything_waits(text, shown):
    assert markdown.render_open(text).shown == shown


def test_growing_text_knows_whether_it_goes_on_inside_code():
    fenced = {text: markdown.render_open(text).fenced for text in ("```\nx", "- ```\n  x\n", "x")}
    assert list(fenced.values()) == [True, True, False]
    assert not markdown.render_open("```\nx\n```\n").fenced


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_growing_text_of_any_kind_renders(text):
    assert "<script" not in markdown.render_open(text).html
