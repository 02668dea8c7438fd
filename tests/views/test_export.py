"""A conversation as a file, pinning, and the page of actions."""

from __future__ import annotations

from io import BytesIO

import pytest

from streams.conversation_list_query import PINNED_MOST
from streams.models import Conversation
from streams.models.attachment import upload
from tests.factories import ConversationFactory

from .answers import begin, complete, fail, say

pytestmark = pytest.mark.django_db


def test_an_export_has_all_that_was_said(page, conversation, here, laptop):
    conversation.change(laptop, title="Süße Brötchen & Tee", system="Be kind")
    file = upload(laptop.user, "a_[b].txt", BytesIO(b"words"))
    run = conversation.post("Hello *there*", laptop, attachments=[file.uuid])[1]
    begin(run)
    say(run, "Hm", kind="reasoning")
    say(run, "# Hi\n\n```\nx\n```\n", index=1)
    say(run, '{"a": "```"}', index=2, kind="tool_call", name="weather")
    complete(run)
    failed = conversation.post("And?", laptop)[1]
    begin(failed)
    fail(failed)
    response = page.get(f"{here}export?as=markdown")
    assert response["Content-Disposition"] == 'attachment; filename="sue-brotchen-tee.md"'
    assert response.content.decode() == (
        "# Süße Brötchen & Tee\n\n## Instructions\n\nBe kind\n\n## You\n\nHello *there*\n\n"
        "*Attached: a\\_\\[b\\].txt*\n\n"
        "## Demo · recites a text\n\n# Hi\n\n```\nx\n```\n\n"
        '```weather\n{"a": "```"}\n```\n\n'
        "## You\n\nAnd?\n\n## Demo · recites a text\n\n*The model is busy.*\n"
    )
    told = page.get(f"{here}export").json()
    assert [message["role"] for message in told["messages"]] == ["user", "assistant"] * 2
    assert all(message["created_at"] for message in told["messages"])
    assert told["messages"][1]["blocks"][0]["text"] == "Hm"
    assert (
        page.get(f"{here}export?as=pdf", headers={"Accept": "application/json"}).status_code == 422
    )


def test_a_form_pins_and_renames(page, conversation, here):
    assert page.get(f"{here}actions").status_code == 200
    page.post(here, {"_method": "PATCH", "pinned": "true"})
    page.post(here, {"_method": "PATCH", "title": "Mine"})
    conversation.refresh_from_db()
    assert (conversation.title, conversation.pinned_at is not None) == ("Mine", True)


def test_what_is_pinned_comes_with_the_first_page_and_once(api, anna, settings):
    settings.STREAMS = settings.STREAMS | {"page_size": 2}
    old, *others = ConversationFactory.create_batch(5, owner=anna)
    api("patch", f"/c/{old.uuid}/", {"pinned": True})
    seen, after = [], ""
    while after is not None:
        told = api("get", f"/c/?before={after}" if after else "/c/").json()
        seen.append([each["id"] for each in told["conversations"]])
        after = told["next"]
    newest = [str(each.uuid) for each in reversed(others)]
    assert seen == [[str(old.uuid), *newest[:2]], newest[2:]]


def test_more_than_the_list_shows_cannot_be_pinned(api, anna, conversation, here):
    ConversationFactory.create_batch(PINNED_MOST, owner=anna, pinned_at="2026-01-01T00:00Z")
    response = api("patch", here, {"pinned": True})
    assert (response.status_code, response.json()["error"]["field"]) == (422, "pinned")
    assert Conversation.objects.filter(pinned_at=None).count() == 1
