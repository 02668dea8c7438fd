"""`/c/`: the list, and a new conversation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from streams.models import Conversation
from tests.factories import ConversationFactory

pytestmark = pytest.mark.django_db


def test_a_new_conversation_with_nothing_said(api, anna):
    response = api("post", "/c/", {})
    made = Conversation.objects.get(owner=anna)
    assert response.status_code == 201
    assert response["Location"] == f"/c/{made.uuid}/" == response.json()["url"]
    assert (made.model, made.title, response.json()["head"]) == ("scripted:demo", "", 0)


def test_a_new_conversation_with_its_first_prompt(api):
    given = {"title": " A  title ", "model": "scripted:demo", "system": "Be kind", "content": "Hi"}
    answer = api("post", "/c/", given).json()
    assert (answer["title"], answer["system"], answer["head"]) == ("A title", "Be kind", 2)
    assert answer["message"]["seq"] == 1
    assert answer["run"]["status"] == "queued"


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"model": "nobody:x"}, "unknown_model", "model"),
        ({"model": "openai:x"}, "unknown_model", "model"),
        ({"model": ""}, "unknown_model", "model"),
        ({"model": 5}, "invalid", "model"),
        ({"title": None}, "invalid", "title"),
        ({"title": "x" * 121}, "invalid", "title"),
        ({"content": "   "}, "invalid", "content"),
        ({"on_busy": "explode"}, "invalid", "on_busy"),
        ({"client_key": "x" * 65, "content": "Hi"}, "invalid", "client_key"),
        ({"colour": "red"}, "invalid", "colour"),
        ([1], "invalid", None),
    ],
)
def test_what_cannot_be_is_422_and_leaves_nothing(api, anna, given, code, field):
    response = api("post", "/c/", given)
    assert response.status_code == 422
    assert response.json()["error"]["code"] == code
    assert response.json()["error"].get("field") == field
    assert not Conversation.objects.filter(owner=anna).exists()


def test_a_first_prompt_sent_again_makes_no_second_conversation(api, bert_api, anna):
    given = {"content": "Hi", "model": "scripted:demo", "client_key": "k"}
    first, again = api("post", "/c/", given), api("post", "/c/", given)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Location"] == first["Location"]
    assert [again.json()[name] for name in ("message", "run", "head")] == [
        first.json()[name] for name in ("message", "run", "head")
    ]
    other = api("post", "/c/", given | {"content": "Hello"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "key_reused")
    assert bert_api("post", "/c/", given).status_code == 201
    assert Conversation.objects.filter(owner=anna).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_first_prompt_sent_twice_at_once_makes_one_conversation(api, anna):
    given = {"content": "Hi", "model": "scripted:demo", "client_key": "k"}

    def send(_):
        try:
            return api("post", "/c/", given).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(send, range(4))) == [200, 200, 200, 201]
    assert Conversation.objects.get(owner=anna).messages.filter(role="user").count() == 1


def test_text_postgresql_refuses_is_replaced(api):
    answer = api("post", "/c/", {"title": "a\x00b", "system": "\ud800", "content": "x\x00"})
    assert (answer.json()["title"], answer.json()["system"]) == ("a\ufffdb", "\ufffd")


def test_the_list_has_ones_own_newest_first(api, anna, bert, laptop):
    old = ConversationFactory(owner=anna, title="Old")
    new = ConversationFactory(owner=anna)
    new.post("What is new?\nTell me", laptop)
    ConversationFactory(owner=bert)
    ConversationFactory(owner=anna, archived_at=timezone.now())
    ConversationFactory(owner=anna, deleted_at=timezone.now())
    listed = api("get", "/c/").json()
    assert [each["id"] for each in listed["conversations"]] == [str(new.uuid), str(old.uuid)]
    first = listed["conversations"][0]
    assert first["name"] == "What is new? Tell me"
    assert (first["running"], first["queued"], first["unread"]) == (False, True, True)
    assert listed["next"] is None


def test_the_list_comes_in_pages_that_neither_repeat_nor_skip(api, anna, settings):
    settings.STREAMS = {"page_size": 2}
    same = timezone.now()
    made = [ConversationFactory(owner=anna, updated_at=same) for _ in range(3)]
    made += [ConversationFactory(owner=anna, updated_at=same + timedelta(1)) for _ in range(2)]
    seen, following = [], ""
    while following is not None:
        listed = api("get", f"/c/?before={following}").json()
        seen += [each["id"] for each in listed["conversations"]]
        following = listed["next"]
    assert len(seen) == len(set(seen)) == len(made)


def test_a_made_up_page_is_400(api, page):
    assert api("get", "/c/?before=nonsense").json()["error"]["code"] == "bad_cursor"
    assert page.get("/c/?before=nonsense").status_code == 400


def test_reading_on_one_device_is_reading_on_all(api, page, conversation, phone):
    conversation.post("Hi", phone)
    page.get(f"/c/{conversation.uuid}/")
    assert api("get", "/c/").json()["conversations"][0]["unread"] is False


def test_as_many_queries_for_twenty_as_for_two(page, anna, django_assert_max_num_queries):
    for _ in range(20):
        ConversationFactory(owner=anna).post("Hi", None)
    with django_assert_max_num_queries(4):  # session, user, device, list
        page.get("/c/")


def test_a_form_makes_a_conversation_and_leads_there(page, anna):
    response = page.post("/c/", {"content": "Hi\r\nthere", "model": "scripted:demo", "system": ""})
    made = Conversation.objects.get(owner=anna)
    assert (response.status_code, response["Location"]) == (303, f"/c/{made.uuid}/")
    assert made.messages.first().text == "Hi\nthere"


def test_a_refused_form_comes_back_with_what_was_written(page):
    response = page.post("/c/", {"content": "Hi <there>", "model": "nobody:x"})
    assert response.status_code == 422
    assert "Hi &lt;there&gt;" in response.content.decode()


def test_days_are_said_as_people_say_them(page, anna):
    for days in (0, 1, 3, 40, 800):
        ConversationFactory(owner=anna, updated_at=timezone.now() - timedelta(days))
    html = page.get("/c/").content.decode()
    assert all(f">{day}</h2>" in html for day in ("Today", "Yesterday", "Last 7 days"))


def test_archived_ones_are_a_list_of_their_own(api, page, anna):
    kept = ConversationFactory(owner=anna, title="Kept")
    away = ConversationFactory(owner=anna, title="Away", archived_at=timezone.now())
    listed = api("get", "/c/?archived=true").json()["conversations"]
    assert [(each["id"], each["archived"], each["day"]) for each in listed] == [
        (str(away.uuid), True, "archived")
    ]
    assert [each["id"] for each in api("get", "/c/").json()["conversations"]] == [str(kept.uuid)]
    assert api("get", "/c/?archived=perhaps").status_code == 422
    html = page.get("/c/?archived=true").content.decode()
    assert html.index("Archived</h1>") < html.index(f"/c/{away.uuid}/")


def test_a_prompt_that_was_taken_back_names_nothing(api, anna, laptop):
    conversation = ConversationFactory(owner=anna)
    conversation.post("Never mind", laptop)[1].cancel(laptop)
    assert api("get", "/c/").json()["conversations"][0]["name"] == ""
    conversation.post("What is new?", laptop)
    assert api("get", "/c/").json()["conversations"][0]["name"] == "What is new?"


def test_the_key_of_a_deleted_conversation_begins_another(api, laptop):
    """Sent again it was 404, for as long as the row was there."""
    given = {"content": "Hi", "model": "scripted:demo", "client_key": "k"}
    names = []
    for _ in range(3):
        first, again = api("post", "/c/", given), api("post", "/c/", given)
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        names.append(first.json()["id"])
        Conversation.objects.get(uuid=names[-1]).delete_softly(laptop)
    assert len(set(names)) == 3


def test_a_new_one_is_offered_the_model_that_was_used_last(client, anna, settings):
    server = {"url": "http://x", "menu": ["q", "r"]}
    models = settings.STREAMS.get("models", {}) | {"openai-chat": server}
    settings.STREAMS = settings.STREAMS | {"models": models}
    client.force_login(anna)

    def chosen():
        return client.get("/c/").context["chosen"]

    assert chosen() == "openai-chat:q"
    ConversationFactory(owner=anna, model="openai-chat:r")
    assert chosen() == "openai-chat:r"
    ConversationFactory(owner=anna, model="nobody:any-more")
    assert chosen() == "openai-chat:q"
