"""What a model or a person writes is text in whatever the server makes of it.

Whether a browser runs any of it is in tests/browser/test_payloads.py.
"""

from __future__ import annotations

import logging
from html.parser import HTMLParser

import pytest

from streams import markdown
from streams.text_cleaning import clean
from tests.factories import DeviceFactory, UserFactory
from tests.views.answers import begin, complete, say
from tests.views.conftest import browser_of
from tests.xss_payloads import CORPUS

TAGS = {*markdown.TAGS.split()}
ATTRIBUTES = {
    "a": {"href", "title", "target", "rel"}, "button": {"type", "class"},
    "code": {"dir"}, "div": {"class", "tabindex", "dir"}, "ol": {"start", "dir"},
    "input": {"type", "disabled", "checked", "aria-label"}, "pre": {"tabindex", "dir"},
    "details": {"open", "dir"}, "li": {"class"}, "span": {"class"},
    "td": {"class"}, "th": {"class"},
    **{tag: {"dir"} for tag in ("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "p", "ul")},
}  # fmt: skip
SCHEMES = ("http://", "https://", "mailto:")


class Judge(HTMLParser):
    """Reads HTML as another parser than the one that made it; collects what may not be there."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.wrong = []

    def handle_starttag(self, tag, attrs):
        if tag not in TAGS:
            self.wrong.append(tag)
        if tag == "input" and not {("type", "checkbox"), ("disabled", "")} <= set(attrs):
            self.wrong.append((tag, attrs))
        for name, value in attrs:
            if name not in ATTRIBUTES.get(tag, ()):
                self.wrong.append((tag, name))
            if name == "dir" and value not in ("auto", "ltr"):
                self.wrong.append((tag, name, value))
            if name == "href" and not value.lower().startswith(SCHEMES):
                self.wrong.append((tag, name, value))

    def handle_decl(self, decl):
        self.wrong.append(decl)

    handle_comment = handle_pi = unknown_decl = handle_decl


def wrong_in(html):
    judge = Judge()
    judge.feed(html)
    judge.close()
    return judge.wrong


@pytest.mark.parametrize("payload", CORPUS)
def test_nothing_that_could_run_comes_out_of_markdown(payload):
    for text in (payload, f"{payload}\n", f"Text {payload} text", f"x\n\n{payload}\n\ny"):
        assert wrong_in(markdown.render(text)) == []


def test_nothing_that_could_run_comes_out_of_all_of_it_at_any_cut():
    text = "\n".join(CORPUS)
    for cut in range(0, len(text), 311):
        parts = markdown.split(text[:cut])
        for part in (*parts.closed, parts.open):
            assert wrong_in(markdown.render_block(part)) == []


def test_the_judge_sees_what_it_is_there_for():
    assert wrong_in("<img src=x>") == ["img", ("img", "src")]
    assert wrong_in("<a href='java&#x73;cript:x'>") == [("a", "href", "javascript:x")]
    assert wrong_in("<p onclick=x>") == [("p", "onclick")]
    assert wrong_in("<p dir=rtl>") == [("p", "dir", "rtl")]
    assert wrong_in("<input type=checkbox>") == [("input", [("type", "checkbox")])]


@pytest.mark.django_db
def test_payloads_as_titles_prompts_and_answers_are_text_on_every_page(conversation, laptop):
    plain = shapes_of(conversation, laptop, "harmless")
    for payload in (CORPUS[at : at + 60] for at in range(0, len(CORPUS), 60)):
        assert shapes_of(conversation, laptop, "\n".join(payload)) <= plain


def shapes_of(conversation, device, text):
    """Every tag with its attributes' names, on the list, the page, a refused form, the admin."""
    text = clean(text)
    conversation.change(device, title=" ".join(text.split())[:120], system=text)
    _, run, _ = conversation.post(text, device)
    begin(run)
    say(run, text, kind="reasoning")
    say(run, text, index=1, kind="tool_call", name=text, call_id=text)
    say(run, text, index=2, kind="refusal")
    complete(run)
    device.name = text[:80]
    device.save()
    browser = browser_of(device, headers={"Accept": "text/html"})
    root, _ = type(device.user).objects.get_or_create(
        username="root", defaults={"is_staff": True, "is_superuser": True}
    )
    staff = browser_of(DeviceFactory(user=root), headers={"Accept": "text/html"})
    here = f"/c/{conversation.uuid}/"
    pages = [
        browser.get("/c/"), browser.get(here), browser.get(f"/runs/{run.uuid}/"),
        browser.post("/c/", {"content": text, "model": text}),
        staff.get("/admin/streams/conversation/"), staff.get("/admin/streams/run/"),
        staff.get(f"/admin/streams/conversation/{conversation.pk}/change/"),
        staff.get(f"/admin/streams/run/{run.pk}/change/"), staff.get("/admin/streams/device/"),
    ]  # fmt: skip
    assert {page.status_code for page in pages} <= {200, 422}
    shapes = set()
    for page in pages:
        shapes |= Shapes(page.content.decode()).found
    return shapes - TEXT_SHAPES


# What formatted text itself may be made of.
TEXT_SHAPES = {(tag, ()) for tag in TAGS}


class Shapes(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        names = tuple(sorted(name for name, _ in attrs))
        if not set(names) <= ATTRIBUTES.get(tag, set()):
            self.found.add((tag, names))
        for name, value in attrs:
            if name in ("href", "src", "action", "formaction") and ":" in (value or ""):
                assert value.lower().startswith(SCHEMES), value


@pytest.mark.django_db
def test_a_new_line_in_a_name_forges_no_line_of_a_log(client, caplog):
    caplog.set_level(logging.DEBUG)
    UserFactory(username="anna")
    client.get("/nowhere%0a2026-01-01 ERROR forged: x")
    client.post("/sign-in/", {"username": "x\nERROR forged", "password": "x"})
    assert not any("\n" in record.getMessage() for record in caplog.records)
