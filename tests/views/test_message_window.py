"""A long conversation comes in parts, each of which begins with a prompt; together they are all."""

from __future__ import annotations

import re
from itertools import chain

import pytest
from django.template import RequestContext, Template

from .answers import begin, complete, say

pytestmark = pytest.mark.django_db

MESSAGE = re.compile(r'<article class="(?:prompt|answer)[^>]* data-message="([^"]+)"')
EARLIER = re.compile(r'id="streams-earlier"[^>]*href="([^"]+)"')


@pytest.fixture
def long(conversation, laptop, settings):
    """Twelve messages, of which the fifth prompt has two answers, and a prompt that waits."""
    settings.STREAMS = settings.STREAMS | {"page_messages": 4}
    for number in range(6):
        _, run, _ = conversation.post(f"Question {number}", laptop)
        begin(run)
        say(run, f"Answer {number}")
        complete(run)
        if number == 4:
            run = run.retry(laptop)
            begin(run)
            say(run, "Another answer")
            complete(run)
    return conversation


def parts_of(ask, first):
    """Every part from the newest on: what it shows, and where the one before it is."""
    parts, place = [], first
    while place:
        shown, place = ask(place)
        parts.insert(0, shown)
    return parts


def kept(whole):
    """The messages without answers that another has replaced."""
    newest = {run["prompt"]: run["message"] for run in whole["runs"]}
    replaced = {run["message"] for run in whole["runs"]} - {*newest.values()}
    return [message["id"] for message in whole["messages"] if message["id"] not in replaced]


def test_pages_lead_to_the_beginning_by_links(page, api, long, here):
    def ask(place):
        html = page.get(place).content.decode()
        earlier = EARLIER.search(html)
        return MESSAGE.findall(html), earlier and earlier[1]

    whole = kept(api("get", here).json())
    parts = parts_of(ask, here)
    assert len(parts) > 2
    assert sorted(chain(*parts)) == sorted(whole)
    assert max(map(len, parts)) <= 4 + 2
    assert "Question 0" in page.get(here).content.decode().partition("</title>")[0]
    for part in (f"before_seq=7&branch={whole[0]}", f"branch={whole[0]}"):
        middle = page.get(f"{here}?{part}").content.decode()
        assert f'rel="next" href="{here}?branch={whole[-1]}">Newest messages' in middle
        assert "conversation_page.js" not in middle.partition("</head>")[0]
    assert "conversation_page.js" in page.get(f"{here}?branch={whole[-1]}").content.decode()


def test_an_old_message_in_a_sites_own_page_comes_with_what_is_around_it(long, anna, rf):
    settled = [str(message.uuid) for message in long.messages.order_by("seq")]
    for branch, still in ((settled[0], True), (settled[-1], False)):
        request = rf.get("/", {"branch": branch})
        request.user, request.session = anna, {}
        html = Template("{% load streams %}{% chat it %}").render(
            RequestContext(request, {"it": long})
        )
        assert branch in MESSAGE.findall(html)
        assert len(MESSAGE.findall(html)) <= 4 + 2
        assert ("js/embedded_chat.js" not in html.replace("modulepreload", "")) is still


def test_json_has_parts_for_those_who_ask(api, long, here):
    whole = api("get", here).json()
    assert "begins" not in whole

    def ask(place):
        part = api("get", place).json()
        runs = {run["id"] for run in part["runs"]}
        assert {message["run"] for message in part["messages"]} - {None} == runs
        begins = part["begins"]
        return part["messages"], begins and f"{here}?limit=3&before_seq={begins}"

    assert [*chain(*parts_of(ask, f"{here}?limit=3"))] == whole["messages"]
    assert api("get", f"{here}?before_seq=x").status_code == 422
    shown = [message["id"] for message in whole["messages"]]
    ends, last = True, shown[0]
    while ends:  # from a message far back to the newest
        part = api("get", f"{here}?limit=2&branch={last}").json()
        ids = [message["id"] for message in part["messages"]]
        assert last in ids
        assert len(ids) <= 2 * 2 + 2
        assert ids[-1] != last
        ends, last = part["ends"], ids[-1]
    assert last == shown[-1]


def test_what_is_being_answered_is_always_shown(page, long, laptop, here):
    for number in range(5):
        long.post(f"Waiting {number}", laptop)
    html = page.get(here).content.decode()
    assert all(f"Waiting {number}" in html for number in range(5))
