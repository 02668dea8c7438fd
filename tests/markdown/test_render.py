"""Markdown: safe whatever a model writes, and final block by block."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams import markdown

CASES = Path(__file__).parents[1] / "model_outputs"


def case(name):
    """Markdown as models have written it."""
    return (CASES / f"{name}.md").read_text()


MARKS = "a,b c,# ,- ,1. ,2,. x,> ,```,```py\n,***,**,*,---,===,    ,[x]: /y\n,<b>,`,😀,\\,[x] ,\\[\n,\\],$$,$$\n,中,。,https://a.b,<div>,<details>\n,<details><summary>s</summary>,</details>\n,</details>,</details>."
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


@pytest.mark.parametrize(
    ("address", "offered"),
    [
        ("https://images.example.com/a.png", True),
        ("https://IMAGES.example.com/a.png?b=c", True),
        ("https://images.example.com:443/a.png", True),
        ("https://images.example.com:444/a.png", False),
        ("http://images.example.com/a.png", False),
        ("https://images.example.com.evil.example/a.png", False),
        ("https://user@images.example.com/a.png", False),
        ("https://evil.example/images.example.com", False),
        ("https://[images.example.com/a.png", False),
    ],
)
@pytest.mark.parametrize("host", ["images.example.com", "Images.Example.com:443"])
def test_an_image_can_be_asked_for_where_the_site_trusts_its_host(settings, host, address, offered):
    settings.STREAMS = settings.STREAMS | {"image_hosts": [host]}
    html = markdown.render(f"![x]({address})")
    assert (">Show image</button>" in html) is offered
    assert "<img" not in html


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


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        (case("addresses_in_chinese"), ["https://example.com/docs", "https://example.com/guide",
                       "https://example.com", "https://example.com/pull/54",
                       "https://en.wikipedia.org/wiki/Foo_(bar)"]),
        ("见https://example.com/docs了解更多", ["https://example.com/docs"]),
        ("https://zh.wikipedia.org/wiki/%E4 https://a.b/中/文 x", ["https://zh.wikipedia.org/wiki/%E4",
                                                                  "https://a.b/%E4%B8%AD/%E6%96%87"]),
        ("~~https://a.b/~me~~ _https://a.b/c_ 'https://a.b'", ["https://a.b/~me", "https://a.b/c",
                                                               "https://a.b"]),
        ("xhttps://a.b \\https://a.b https:// https://.", []),
        ("https://a.b/" + "c" * 3000, []),
    ],
)  # fmt: skip
def test_an_address_ends_where_the_sentence_goes_on(text, addresses):
    assert re.findall('<a href="([^"]*)"', markdown.render(text)) == addresses


def test_emphasis_begins_and_ends_beside_ideographs():
    html = markdown.render(case("bold_in_chinese"))
    assert re.findall("<strong>(.*?)</strong>", html) == [
        "“如何更好地服务你”", "注意：", "（测试）", "不变。"
    ]  # fmt: skip
    assert "*" not in html
    assert "<strong>스크립트(script)</strong>라고" in markdown.render("**스크립트(script)**라고")


def test_formulas_are_drawn_and_amounts_are_none():
    html = markdown.render(
        "It is \\(x_{1}\\) or $a^2$, $n$ and $n < m$: $5, **$4**, $HOME or $PATH."
    )
    assert re.sub("<math.*?</math>", "M", html) == (
        '<p dir="auto">It is M or M, M and M: $5, <strong>$4</strong>, $HOME or $PATH.</p>\n'
    )
    assert "<msub><mi>x</mi><mrow><mn>1</mn></mrow></msub>" in html
    assert '<math display="block">' in markdown.render("\\[\n\\frac{a}{b}\n\\]")


def test_a_formula_brings_nothing_with_it():
    for latex in (
        r"\href{javascript:alert(1)}{a}", r"\text{<img src=x onerror=alert(1)>}",
        r"\style{color:red}{a}", r"\class{a}{b}", r"\text{</math><script>a</script>}",
        r"\mathrm{<style>}", r"<b>",
    ):  # fmt: skip
        html = markdown.render(rf"\({latex}\)")
        brought = r"<(?:img|script|style|b)\b|<[^>]*(?:href|onerror|class)="
        assert not re.search(brought, html)


FIRST_TEXTS = """
import sys, threading
sys.setswitchinterval(1e-6)
import django
from django.conf import settings
settings.configure(USE_I18N=False)
django.setup()
from streams.markdown import render
together, seen = threading.Barrier(8), []
def first(number):
    together.wait()
    seen.append(render(f"*{number}* <https://example.com/{number}%20> https://example.com/{number}"))
threads = [threading.Thread(target=first, args=(number,)) for number in range(8)]
for it in threads: it.start()
for it in threads: it.join()
assert len(seen) == 8, len(seen)
assert all(html.count("<a ") == 2 for html in seen), seen
"""


def test_first_texts_of_a_process_may_come_on_several_threads():
    """Each process has one first moment: of three one would meet a half-made table."""
    for _ in range(3):
        subprocess.run([sys.executable, "-c", FIRST_TEXTS], check=True)


def test_a_few_tags_are_tags():
    html = markdown.render(
        "H<sub>2</sub>O<br>a<sup>b *c*</sup> <kbd>Ctrl</kbd> <sub>open <sub a=b>"
    )
    assert html == (
        '<p dir="auto">H<sub>2</sub>O<br>a<sup>b *c*</sup> <kbd>Ctrl</kbd>'
        " &lt;sub&gt;open &lt;sub a=b&gt;</p>\n"
    )


FOLD = '<details dir="auto">\n<summary>S <strong>b</strong></summary>\n{}</details>\n'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<details>\n<summary>S **b**</summary>\n\nx\n\n- y\n\n</details>\n\nz",
         FOLD.format("<p>x</p>\n<ul>\n<li>y</li>\n</ul>\n") + '<p dir="auto">z</p>\n'),
        ("w\n<details><summary>S <b>b</b></summary>x</details>  \nz",
         '<p dir="auto">w</p>\n' + FOLD.format("<p>x</p>\n") + '<p dir="auto">z</p>\n'),
        ("<details>\n<summary>\nS **b**\n</summary>\nx", FOLD.format("<p>x</p>\n")),
        ("<details open>\n\nx\n</details>", '<details open="" dir="auto">\n<p>x</p>\n</details>\n'),
        ("> <details>\n> x\n\ny", '<blockquote dir="auto">\n<details>\n<p>x</p>\n</details>\n'
         '</blockquote>\n<p dir="auto">y</p>\n'),
        ("- <details>\n  x\n\ny", '<ul dir="auto">\n<li>\n<details>\n<p>x</p>\n</details>\n</li>\n'
         '</ul>\n<p dir="auto">y</p>\n'),
        ("<details><summary>S **b**</summary>\nx\n</details>. y\n\nz",
         FOLD.format("<p>x</p>\n") + '<p dir="auto">. y</p>\n<p dir="auto">z</p>\n'),
        ("<details><summary>S **b**</summary>\nx\n</details></details>\n\nz",
         FOLD.format("<p>x</p>\n") + '<p dir="auto">&lt;/details&gt;</p>\n<p dir="auto">z</p>\n'),
        ("<details><summary>S **b**</summary>x</details> y\nz",
         FOLD.format("<p>x</p>\n") + '<p dir="auto">y\nz</p>\n'),
        ("<details><summary>S **b**</summary>`</details>` x</details> # y",
         FOLD.format('<p><code dir="ltr">&lt;/details&gt;</code> x</p>\n')
         + '<h1 dir="auto">y</h1>\n'),
        ("<details><summary>S **b**</summary><details>x</details>y</details>"
         "<details><summary>S **b**</summary>z</details>",
         FOLD.format("<details>\n<p>x</p>\n</details>\n<p>y</p>\n") + FOLD.format("<p>z</p>\n")),
        ("- <details>\n  x\n  </details> y\n- z", '<ul dir="auto">\n<li>\n<details>\n<p>x</p>\n'
         "</details>\ny</li>\n<li>z</li>\n</ul>\n"),
        ("<details ontoggle=ran()>x", '<p dir="auto">&lt;details ontoggle=ran()&gt;x</p>\n'),
    ],
)  # fmt: skip
def test_a_fold_holds_what_is_markdown(text, html):
    assert markdown.render(text) == html


def test_a_fold_ends_with_its_own_end():
    html = markdown.render(
        "<details>\n```\n</details>\n```\n<details>\ninner\n</details>\nouter\n</details>\nrest"
    )
    assert re.sub("<div.*?</div>\n", "C", html, flags=re.DOTALL) == (
        '<details dir="auto">\nC<details>\n<p>inner</p>\n</details>\n<p>outer</p>\n</details>\n'
        '<p dir="auto">rest</p>\n'
    )


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Tea is old.[^1]", "Tea is old.<sup>[1]</sup>"),
        ("a[^b-2] [^c][d]", "a<sup>[b-2]</sup> <sup>[c]</sup>[d]"),
        ("[^1]: From *China*.", "<sup>1</sup> From <em>China</em>."),
        ("[^1]: One.\n[^2]: Two.", "<sup>1</sup> One.\n<br><sup>2</sup> Two."),
        ("see [^1]: there", "see <sup>[1]</sup>: there"),
        ("[^] [^a b] `[^1]` \\[^1]", '[^] [^a b] <code dir="ltr">[^1]</code> [^1]'),
    ],
)
def test_a_footnote_is_raised_where_it_is_named_and_where_it_is_said(text, html):
    assert markdown.render(text) == f'<p dir="auto">{html}</p>\n'


@pytest.mark.parametrize(
    "formula",
    [
        r"\(a_{1} * \foo{2} * c\)", r"\[ \{x_{1} + \foo \]", "$$\\{a_{1} + b_{1}} _$$",
        r"$\{x\}_{1} + \foo{y}_{2}$", "\\[\na\n+ b\n= \\foo\n---\n\\]", "$$\na\n- \\foo b\n$$",
    ],
)  # fmt: skip
def test_what_cannot_be_read_as_a_formula_stays_as_it_was_written(formula):
    assert markdown.render(formula) == f'<p dir="auto">{formula}</p>\n'
    assert f"<li>{formula}</li>" in markdown.render("- " + formula.replace("\n", "\n  "))


def test_what_is_no_formula_is_not_kept():
    assert (
        markdown.render("\\(a and `b\\)`")
        == '<p dir="auto">(a and <code dir="ltr">b\\)</code></p>\n'
    )
    assert "<em>b</em>" in markdown.render("$5 *b* $6")


def test_a_formula_that_has_no_end_yet_waits():
    growing = markdown.render_open("So \\(x_1 + y")
    assert (growing.shown, growing.html) == ("So ", '<p dir="auto">So</p>\n')
    assert markdown.render_open("a $$b$$ c").shown == "a $$b$$ c"


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("</details>\n---", ""), ("<div align=center>\nWords\n===", ""), ("Words\n<hr>\n---", ""),
        ("<b>\n===", ""), ("<b>Words</b> and\nmore\n---", "h2"), ("a < b\n===", "h1"),
        ("<https://a.b>\n---", "h2"),
    ],
)  # fmt: skip
def test_a_line_below_html_makes_no_heading_of_it(text, heading):
    assert re.findall("<(h[12])", markdown.render(text)) == ([heading] if heading else [])


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
    assert html.count('<li class="task">') == 2
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
        ("**a*", "<strong>a</strong></p>"),
        ("a _b", "a <em>b</em></p>"),
        ("a_b and 5*4 and ~~c", "a_b and 5*4 and <s>c</s></p>"),
        ("如**“何", "如<strong>“何</strong></p>"),
        ("如**“何”*", "如<strong>“何”</strong></p>"),
        ("`a\\` *b", '<code dir="ltr">a\\</code> <em>b</em></p>'),
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
        ("a\n<det", "a\n"),
        ("a\n<details>\n\n<summary>Wor", "a\n"),
        ("<details>\n<summary>S</summary>\nx\n</deta", "<details>\n<summary>S</summary>\nx\n"),
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
