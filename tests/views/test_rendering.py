"""Rendering Markdown takes CPU time only from the person who asked for it."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection

from streams import markdown
from streams.exceptions import TooMuchAtOnce
from streams.markdown import render_budget
from streams.markdown.render_budget import Turns, limited
from tests.processes import eventually
from tests.views.answers import begin, complete, say

SLOWEST = "![" * 50_000


def cpu_of(work):
    began = time.thread_time()
    work()
    return time.thread_time() - began


def test_whatever_takes_too_long_is_shown_as_it_was_written(settings, api):
    settings.STREAMS = settings.STREAMS | {"render_seconds": 0.2}
    answers = []
    taken = cpu_of(lambda: answers.append(api("post", "/render", {"text": SLOWEST, "ended": True})))
    assert answers[0].json()["open"] == f'<div class="raw" dir="auto">{SLOWEST}</div>\n'
    assert taken < 1.5


def test_a_page_shows_its_newest_answers_whatever_the_older_ones_cost(
    settings, page, conversation, laptop, here
):
    settings.STREAMS = settings.STREAMS | {"render_seconds": 0.5}
    for text in (SLOWEST * 4, "**newest**"):
        _, run, _ = conversation.post("Hi", laptop)
        begin(run)
        say(run, text)
        complete(run)
    pages = []
    assert cpu_of(lambda: pages.append(page.get(here))) < 3
    html = pages[0].content.decode()
    assert "<strong>newest</strong>" in html
    assert '<div class="raw" dir="auto">![![' in html


def test_code_that_takes_long_block_by_block_takes_no_longer_than_one(settings):
    text = "\n\n".join("```c\n" + "\n" * 7900 + f"{n}\n```" for n in range(12))
    with limited(0.3):
        assert cpu_of(lambda: markdown.render(text)) < 1.5


def test_one_thing_of_one_person_at_a_time_and_no_other_waits():
    turns, order, begun, go = Turns(), [], threading.Event(), threading.Event()

    def long():
        with turns.turn(1):
            begun.set()
            go.wait(10)
            order.append("long")

    def next_one():
        with turns.turn(1):
            order.append("next")

    threads = [threading.Thread(target=long)]
    threads[0].start()
    assert begun.wait(10)
    threads.append(threading.Thread(target=next_one))
    threads[1].start()
    with turns.turn(2):
        order.append("another's")
    go.set()
    for thread in threads:
        thread.join(10)
    assert order == ["another's", "long", "next"]
    assert turns._people == {}


def test_too_many_of_one_person_are_sent_away_at_once(monkeypatch):
    monkeypatch.setattr(render_budget, "MOST_WAITING", 1)
    turns, go = Turns(), threading.Event()

    def wait():
        with turns.turn(1):
            go.wait(10)

    threads = [threading.Thread(target=wait) for _ in range(2)]
    for thread in threads:
        thread.start()
    eventually(lambda: turns._people.get(1, (None, 0))[1] == 2)
    with pytest.raises(TooMuchAtOnce), turns.turn(1):
        pass
    go.set()
    for thread in threads:
        thread.join(10)


def test_one_that_waits_too_long_hears_so_and_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr(render_budget, "LONGEST_WAIT", 0.01)
    turns = Turns()

    def late():
        with pytest.raises(TooMuchAtOnce), turns.turn(1):
            pass

    with turns.turn(1):
        thread = threading.Thread(target=late)
        thread.start()
        thread.join(10)
    assert turns._people == {}


@pytest.mark.django_db(transaction=True)
def test_nothing_is_formatted_while_a_connection_is_held(
    monkeypatch, page, api, conversation, laptop, here
):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "one")
    complete(run)
    held = []
    real = markdown.split

    def seen(text):
        held.append(connection.connection is not None)
        return real(text)

    for place in (markdown, markdown.rendering):
        monkeypatch.setattr(place, "split", seen)
    page.get(here)
    api("post", "/render", {"text": "x"})
    assert held == [False, False]
