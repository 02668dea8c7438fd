"""Turns that have ended are drawn once, for pages that show the same of them."""

from __future__ import annotations

import re
import shutil

import pytest
from django.conf import settings as given
from django.urls import clear_script_prefix, set_script_prefix

from streams.views import drawn_turns
from streams.views.drawn_turns import DrawnTurns

from .answers import begin, complete, fail, say, stop

pytestmark = pytest.mark.django_db

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Counted(DrawnTurns):
    def __init__(self):
        super().__init__()
        self.asked = self.found = 0

    def get(self, key, token):
        html = super().get(key, token)
        self.asked += 1
        self.found += html is not None
        return html


@pytest.fixture
def drawn(monkeypatch):
    monkeypatch.setattr(drawn_turns, "DRAWN", Counted())
    return drawn_turns.DRAWN


def ended(conversation, laptop):
    """Answers that have ended in every way; returns the run of the last."""
    for end in (complete, fail, stop, complete):
        _, run, _ = conversation.post("Hi <b>", laptop)
        begin(run)
        say(run, "I think", kind="reasoning")
        say(run, "First **bold**.\n\n```\ncode\n```\n", index=1)
        end(run)
    return run


def html_of(browser, here, **headers):
    html = browser.get(here, headers=headers).content.decode()
    [token] = set(TOKEN.findall(html))
    return html.replace(token, "…"), token


def test_a_page_of_kept_turns_is_the_page_that_was_drawn(page, conversation, here, laptop, drawn):
    ended(conversation, laptop)
    first, token = html_of(page, here)
    assert (drawn.asked, drawn.found) == (8, 0)
    again, other = html_of(page, here)
    assert (drawn.asked, drawn.found) == (16, 8)
    assert again == first
    assert other != token


def test_what_goes_on_is_drawn_anew(page, conversation, here, laptop, drawn):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    say(run, "Some", end=False)
    html_of(page, here)
    say(run, " more", start=False)
    assert 'data-source="Some more"' in html_of(page, here)[0]
    assert drawn.asked == 2  # the prompt


def once_more(run, settings, laptop):
    run.retry(laptop)


def elsewhere(run, settings, laptop):
    settings.TIME_ZONE = "Asia/Kathmandu"


def below(run, settings, laptop):
    set_script_prefix("/below/")


def branded(run, settings, laptop):
    settings.STREAMS = settings.STREAMS | {"brand": "Other"}


def said_otherwise(run, settings, laptop):
    type(run).objects.filter(pk=run.pk).update(stop_reason="refusal")


@pytest.mark.parametrize("change", [once_more, elsewhere, below, branded, said_otherwise])
def test_what_a_change_would_show_is_shown(
    page, conversation, here, laptop, drawn, monkeypatch, settings, change
):
    run = ended(conversation, laptop)
    before, _ = html_of(page, here)
    change(run, settings, laptop)
    kept, _ = html_of(page, here)
    monkeypatch.setattr(drawn_turns, "DRAWN", DrawnTurns())
    assert kept == html_of(page, here)[0] != before
    clear_script_prefix()


def test_each_language_has_its_own(page, conversation, here, laptop, drawn):
    ended(conversation, laptop)
    html_of(page, here)
    assert ">Kopieren<" in html_of(page, here, accept_language="de")[0]


def copied(site):
    """All of our templates, as a site copies them to edit one."""
    shutil.copytree(drawn_turns.templates_of_ours(), site / "streams")


def replaced(site):
    (site / "streams").mkdir()


@pytest.mark.parametrize("place", [copied, replaced])
def test_a_template_of_the_sites_own_is_asked_each_time(
    page, conversation, here, laptop, drawn, settings, tmp_path, place
):
    place(tmp_path)
    (tmp_path / "streams" / "icon.html").write_text("{{ request.user }}{{ request.GET.v }}")
    [engine] = given.TEMPLATES
    settings.TEMPLATES = [engine | {"DIRS": [tmp_path, *engine["DIRS"]]}]
    ended(conversation, laptop)
    for version in ("one", "two"):
        html, _ = html_of(page, f"{here}?v={version}")
        assert f"{laptop.user}{version}<span>Copy" in html
    assert drawn.asked == 0


@pytest.mark.parametrize("place", ["within", "beside"])
def test_ours_are_within_the_app_once_it_is_installed_and_beside_it_in_its_repository(
    monkeypatch, tmp_path, place
):
    app = tmp_path / "streams"
    wanted = (app if place == "within" else tmp_path) / "templates" / "streams"
    (tmp_path / "templates" / "streams").mkdir(parents=True)  # a site's, where the app is within
    wanted.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(drawn_turns, "APP", app)
    assert drawn_turns.templates_of_ours() == wanted
