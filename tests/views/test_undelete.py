"""Taking a deletion back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from streams.models import Conversation

pytestmark = pytest.mark.django_db


@pytest.fixture
def restore(conversation):
    return f"/c/{conversation.uuid}/restore"


def test_a_deletion_is_taken_back_with_all_that_was_said(api, restore, conversation, here, laptop):
    conversation.post("Hi", laptop)[1].cancel(laptop)
    before = api("get", here).json()
    assert api("delete", here).status_code == 204
    assert api("get", here).status_code == 404
    restored = api("post", restore)
    assert (restored.status_code, restored.json()["id"]) == (200, str(conversation.uuid))
    assert api("get", here).json() == before


def test_twice_is_once(api, restore, here):
    api("delete", here)
    assert [api("post", restore).status_code for _ in range(2)] == [200, 200]


def test_it_is_final_after_a_while(api, restore, here):
    api("delete", here)
    Conversation.objects.update(deleted_at=timezone.now() - timedelta(seconds=31))
    assert api("post", restore).status_code == 404


def test_someone_elses_stays_deleted(bert_api, api, restore, here):
    api("delete", here)
    assert bert_api("post", restore).status_code == 404
    assert api("get", here).status_code == 404


def test_by_form_the_list_offers_it_and_leads_back(page, restore, here):
    deleted = page.post(here, {"_method": "DELETE"}, follow=True)
    assert f'action="{restore}"' in deleted.content.decode()
    back = page.post(restore)
    assert (back.status_code, back["Location"]) == (303, here)
    assert "/restore" not in page.get(deleted.redirect_chain[-1][0]).content.decode()


def test_the_offer_lasts_for_what_is_left_of_it(page, here):
    page.post(here, {"_method": "DELETE"})
    Conversation.objects.update(deleted_at=timezone.now() - timedelta(seconds=10))
    html = page.get(f"/c/?deleted={here.split('/')[2]}").content.decode()
    assert re.search(r'data-seconds="(19|20)"', html)


def test_a_made_up_deletion_offers_nothing(page):
    assert "/restore" not in page.get("/c/?deleted=nonsense").content.decode()


def test_an_answer_being_written_is_stopped_and_stays_as_it_was(
    api, restore, conversation, here, laptop
):
    _, run, _ = conversation.post("Hi", laptop)
    api("delete", here)
    run.refresh_from_db()
    assert run.status == "cancelled"
    api("post", restore)
    assert api("get", here).json()["runs"] == []
