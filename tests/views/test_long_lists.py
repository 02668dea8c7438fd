"""Conversations that wait for a decision come first, and long lists cost what short ones do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from streams.conversation_list_query import LISTED, list_parameters, of_each
from streams.models import Conversation
from streams.views import conversation_list
from tests.factories import ConversationFactory
from tests.pages_read import fill, looked_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def old(anna, settings):
    """The oldest of six conversations, of which a page shows two; a call in it waits."""
    settings.STREAMS = settings.STREAMS | {"page_size": 2}
    for days in range(5, -1, -1):
        moment = timezone.now() - timedelta(days=days)
        ConversationFactory(owner=anna, title=f"{days} days ago", updated_at=moment)
    found = Conversation.objects.get(title="5 days ago")
    Conversation.objects.filter(pk=found.pk).update(undecided=1)
    return found


def names(answer):
    return [line["name"] for line in answer["conversations"]]


def test_one_that_waits_is_first_and_counted_however_old_it_is(page, api, old):
    html = page.get("/c/").content.decode()
    assert "<title>(1) " in html.replace("\n", "")
    assert html.index("5 days ago") < html.index("0 days ago")
    first = api("get", "/c/").json()
    assert names(first) == ["5 days ago", "0 days ago", "1 days ago"]
    second = api("get", f"/c/?before={first['next']}").json()
    third = api("get", f"/c/?before={second['next']}").json()
    assert names(second) + names(third) == ["2 days ago", "3 days ago", "4 days ago"]
    assert third["next"] is None
    Conversation.objects.filter(pk=old.pk).update(undecided=0)
    assert names(api("get", "/c/").json()) == ["0 days ago", "1 days ago"]
    assert "<title>(1)" not in page.get("/c/").content.decode()


def test_more_than_come_first_have_their_place_by_time(api, old, monkeypatch):
    fewer = LISTED.replace("LIMIT 50", "LIMIT 1").replace("LIMIT 200", "LIMIT 1")
    monkeypatch.setattr(conversation_list, "LISTED", fewer)  # one of each kind
    Conversation.objects.filter(title__in=["1 days ago", "4 days ago"]).update(undecided=1)
    Conversation.objects.filter(title__in=["0 days ago", "2 days ago"]).update(
        pinned_at=timezone.now()
    )
    pages, following = [], ""
    while following is not None:
        answer = api("get", f"/c/?before={following}" if following else "/c/").json()
        pages.append([name[0] for name in names(answer)])
        following = answer["next"]
    assert pages == [[*"0123"], [*"45"]]


def test_an_archived_one_that_waits_stays_away(api, old):
    old.change(None, archived_at=timezone.now())
    assert "5 days ago" not in names(api("get", "/c/").json())


def test_a_long_list_of_long_conversations_costs_what_a_short_one_does(anna):
    costs = []
    for conversations, turns in ((4, 60), (20, 10), (1, 500)):
        for _ in range(conversations):
            here = ConversationFactory(owner=anna)
            fill(here, turns)
        with looked_at() as pages, connection.cursor() as cursor:
            cursor.execute(of_each(LISTED), list_parameters([str(anna.pk)], 4))
            assert len(cursor.fetchall()) == 4
        costs += pages
    few, many, long = costs
    assert many < 2 * few
    assert long < 2 * few
