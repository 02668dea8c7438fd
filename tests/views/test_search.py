"""`/c/search`: in JSON and as a page."""

from __future__ import annotations

import pytest
from django.db import connection

from streams.search_lexemes import lexemes
from streams.user_model import key_text
from streams.worker import search_index
from tests.factories import ConversationFactory

from .answers import begin, complete, say

pytestmark = pytest.mark.django_db


def indexed(conversation):
    rows = [(it.pk, it.text) for it in conversation.messages.all()]
    owner = key_text(conversation.owner_id)
    words = [search_index.array(lexemes(owner, text)) for _, text in rows]
    with connection.cursor() as cursor:
        cursor.execute(search_index.KEEP, {"ids": [pk for pk, _ in rows], "words": words})


def test_titles_come_first_then_messages_with_their_words(api, page, anna, laptop, conversation):
    run = conversation.post("Tell me of <b>Lisbon</b>", laptop)[1]
    begin(run)
    say(run, "Lisbon lies at the sea.")
    complete(run)
    indexed(conversation)
    titled = ConversationFactory(owner=anna, title="A week in Lisbon, 100%_sure")
    found = api("get", "/c/search?q=LISB").json()["results"]
    assert [(it["conversation"], it["role"]) for it in found] == [
        (str(titled.uuid), None), (str(conversation.uuid), "assistant"),
        (str(conversation.uuid), "user"),
    ]  # fmt: skip
    assert [found[1][name] for name in ("before", "match", "after")] == [
        "", "Lisbon", " lies at the sea.",
    ]  # fmt: skip
    place = f"/c/{conversation.uuid}/"
    assert found[1]["url"] == f"{place}?branch={run.answer.uuid}#m-{run.answer.uuid}"
    shown = page.get("/c/search?q=lisbon").content.decode()
    assert "of &lt;b&gt;<mark>Lisbon</mark>&lt;/b&gt;" in shown
    assert f'id="m-{run.answer.uuid}"' in page.get(f"/c/{conversation.uuid}/").content.decode()
    assert len(api("get", "/c/search?q=100%25_").json()["results"]) == 1
    assert api("get", "/c/search?q=%25").json()["results"] == []


def test_one_conversation_hides_no_other(api, bert_api, anna, laptop, conversation):
    once = ConversationFactory(owner=anna)
    fresh = ConversationFactory(owner=anna)
    once.post("Of tea", laptop)
    indexed(once)
    for n in range(40):
        conversation.post(f"Tea {n}", laptop)
    indexed(conversation)
    fresh.post("More tea", laptop)  # not in the index yet
    found = api("get", "/c/search?q=tea").json()["results"]
    assert [it["conversation"] for it in found] == [
        str(fresh.uuid), *[str(conversation.uuid)] * 10, str(once.uuid)
    ]  # fmt: skip
    assert [it["found"] for it in found] == [1, *[40] * 10, 1]
    of_one = f"/c/search?q=tea&conversation={conversation.uuid}"
    within = api("get", of_one).json()["results"]
    assert [it["before"] + it["match"] + it["after"] for it in within] == [
        f"Tea {n}" for n in reversed(range(40))
    ]
    assert {it["found"] for it in within} == {40}
    assert bert_api("get", of_one).json()["results"] == []
    just_said = api("get", f"/c/search?q=tea&conversation={fresh.uuid}").json()["results"]
    assert [it["found"] for it in just_said] == [1]
    assert api("get", "/c/search?q=tea&conversation=x").status_code == 422


def test_someone_elses_words_are_not_found(bert_api, conversation, laptop):
    conversation.change(laptop, title="Secret soup")
    conversation.post("Secret words", laptop)
    indexed(conversation)
    assert bert_api("get", "/c/search?q=secret").json()["results"] == []


@pytest.mark.parametrize("asked", ["", "  ", "'", "' & x:* |", "\\", "%", "!(", "a:*b"])
def test_no_text_breaks_the_search(api, asked):
    assert api("get", "/c/search?q=" + asked.replace("%", "%25").replace("&", "%26")).json() == {
        "results": []
    }


def test_what_is_too_long_is_refused(api):
    response = api("get", f"/c/search?q={'x' * 201}")
    assert (response.status_code, response.json()["error"]["field"]) == (422, "q")
