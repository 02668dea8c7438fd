"""A link shows a copy of a conversation to anybody who has it, until it is taken back."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.test import Client

from streams.models import Conversation, Share
from streams.models.attachment import upload
from tests.factories import ConversationFactory

from .answers import begin, complete, say

pytestmark = pytest.mark.django_db


@pytest.fixture
def anybody():
    return Client(headers={"Accept": "text/html"})


def answered(conversation, laptop, prompt, text, **more):
    run = conversation.post(prompt, laptop, **more)[1]
    begin(run)
    say(run, "Hm, a secret thought", kind="reasoning")
    say(run, text, index=1)
    complete(run)
    return run


def link_of(told):
    return told["link"].removeprefix("http://testserver")


@pytest.fixture
def shared(api, conversation, laptop, here):
    answered(conversation, laptop, "What is *tea*?", "A **drink**.")
    made = api("post", f"{here}shares")
    assert made.status_code == 201
    return made.json()


def test_a_stranger_reads_what_was_said_and_nothing_else(shared, anybody, stranger, laptop):
    page = anybody.get(link_of(shared))
    text = page.content.decode()
    assert "What is *tea*?" in text
    assert "<strong>drink</strong>" in text
    for secret in ("secret thought", laptop.name, laptop.user.get_username(), "csrfmiddleware"):
        assert secret not in text
    assert page["Cache-Control"] == "no-store"
    assert page["X-Robots-Tag"] == "noindex, nofollow"
    assert page["Referrer-Policy"] == "no-referrer"
    assert not page.cookies
    told = stranger("get", link_of(shared)).json()
    assert [(it["role"], it["text"]) for it in told["messages"]] == [
        ("user", "What is *tea*?"),
        ("assistant", "A **drink**."),
    ]


def test_what_is_said_later_is_in_the_next_link_alone(
    api, shared, conversation, laptop, here, stranger
):
    run = conversation.post("And milk?", laptop)[1]
    begin(run)
    say(run, "Half of it")
    assert api("post", f"{here}shares").json() == shared  # nothing new has ended
    complete(run)
    later = api("post", f"{here}shares").json()
    assert later["link"] != shared["link"]
    texts = [
        [it["text"] for it in stranger("get", link_of(each)).json()["messages"]]
        for each in (shared, later)
    ]
    assert texts[0] == ["What is *tea*?", "A **drink**."]
    assert texts[1] == [*texts[0], "And milk?", "Half of it"]
    listed = api("get", f"{here}shares").json()["shares"]
    assert [each["messages"] for each in listed] == [4, 2]


def test_one_branch_is_shared_and_the_newest_answer_of_it(api, conversation, laptop, here, shared):
    first = Conversation.objects.get(pk=conversation.pk).messages.first()
    edited = answered(conversation, laptop, "What is coffee?", "Black.", parent="")
    answered_anew = edited.retry(laptop)
    begin(answered_anew)
    say(answered_anew, "Brown.")
    complete(answered_anew)
    api("post", f"{here}shares")
    api("post", f"{here}shares", {"branch": str(first.uuid)})
    shares = Share.objects.order_by("pk")
    assert [[it["text"] for it in each.messages] for each in shares] == [
        ["What is *tea*?", "A **drink**."],
        ["What is coffee?", "Brown."],
    ]


def test_taking_it_back_and_everything_that_ends_a_link(
    api, bert_api, shared, conversation, anybody, settings, anna
):
    own = f"/shares/{shared['id']}/"
    assert bert_api("delete", own).status_code == 404
    assert bert_api("get", f"/c/{conversation.uuid}/shares").status_code == 404
    assert bert_api("get", "/shares/").json() == {"shares": []}

    def status():
        return anybody.get(link_of(shared)).status_code

    api("delete", f"/c/{conversation.uuid}/")
    assert status() == 404
    assert api("get", "/shares/").json() == {"shares": []}
    api("post", f"/c/{conversation.uuid}/restore")
    assert status() == 200
    anna.is_active = False
    anna.save()
    assert status() == 404
    anna.is_active = True
    anna.save()
    settings.STREAMS = settings.STREAMS | {"share_links": False}
    assert status() == 404
    assert api("post", f"/c/{conversation.uuid}/shares").json()["error"]["code"] == "not_allowed"
    settings.STREAMS = settings.STREAMS | {"share_links": True}
    assert status() == 200
    assert api("delete", own).status_code == 204
    assert status() == 404
    assert "This link isn&#x27;t here any more." in anybody.get(link_of(shared)).content.decode()
    anna.delete()
    assert not Share.objects.exists()


def test_without_scripts(page, conversation, laptop, here):
    refused = page.post(f"{here}shares")
    assert refused.status_code == 422
    answered(conversation, laptop, "<b>Hi</b>", "Hello")
    assert page.post(f"{here}shares").status_code == 303
    listed = page.get(f"{here}shares").content.decode()
    share = Share.objects.get()
    assert f"http://testserver/shared/{share.token}/" in listed
    assert "&lt;b&gt;Hi&lt;/b&gt;" in page.get("/shares/").content.decode()
    taken = page.post(f"/shares/{share.uuid}/", {"_method": "DELETE"})
    assert taken["Location"] == f"{here}shares"
    assert not Share.objects.exists()


def test_a_conversation_has_so_many_links(api, conversation, laptop, here, settings, shared):
    settings.STREAMS = settings.STREAMS | {"shares_per_conversation": 1}
    answered(conversation, laptop, "More?", "More.")
    refused = api("post", f"{here}shares")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_shares")
    assert Share.objects.count() == 1


def test_a_long_copy_is_read_in_parts(settings, anna, stranger, anybody):
    messages = [
        {"role": "user", "text": f"prompt {at}", "at": "2026-01-01T00:00:00+00:00"}
        for at in range(5)
    ]
    share = Share.make(ConversationFactory(owner=anna), "Long", messages)
    settings.STREAMS = settings.STREAMS | {"page_messages": 2}
    seen, following = [], 0
    while following is not None:
        told = stranger("get", f"/shared/{share.token}/?from={following}").json()
        seen += [each["text"] for each in told["messages"]]
        following = told["next"]
    assert seen == [each["text"] for each in messages]
    middle = anybody.get(f"/shared/{share.token}/?from=2").content.decode()
    assert 'href="?from=0"' in middle
    assert 'href="?from=4"' in middle
    assert stranger("get", f"/shared/{share.token}/?from=x").status_code == 422
    beyond = stranger("get", f"/shared/{share.token}/?from={2**62}")
    assert (beyond.status_code, beyond.json()["messages"]) == (200, [])


def test_a_token_that_no_text_can_hold_is_nobodys(stranger):
    assert stranger("get", "/shared/%00/").status_code == 404


def test_a_prompt_of_a_file_alone_says_that_there_was_one(api, conversation, laptop, here, anybody):
    image = upload(laptop.user, "cat.txt", BytesIO(b"A cat"))
    answered(conversation, laptop, "", "A cat.", attachments=[image.uuid])
    page = anybody.get(link_of(api("post", f"{here}shares").json())).content.decode()
    assert "With a file, which is not shared" in page
    assert image.name not in page
    assert str(image.uuid) not in page
