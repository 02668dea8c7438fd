"""Lists in the admin cost the same however many rows there are."""

from __future__ import annotations

from datetime import date

import pytest

from streams.admin import filters, indexed_search, paging
from streams.models import Attachment, Usage
from tests.factories import ConversationFactory
from tests.pages_read import fill, looked_at

pytestmark = pytest.mark.django_db

ASKED = (
    *("run/", "run/?status__exact=failed", "run/?status__exact=completed"),
    *("run/?stuck=any", "run/?error_code=auth", "run/?model=scripted:demo", "run/?model=other"),
    *("run/?worker=1", "run/?q=anna", "run/?q=nobody", "run/?q=rate_limited", "run/?q=beef"),
    *("conversation/?q=nobody", "device/", "device/?q=nobody"),
    *("attachment/", "attachment/?q=nobody", "usage/", "usage/?q=nobody"),
)


@pytest.fixture
def oncall(client, anna):
    anna.is_staff = anna.is_superuser = True
    anna.save()
    client.force_login(anna)
    return client


def test_no_list_looks_at_all_there_is(oncall, anna, monkeypatch):
    monkeypatch.setattr(paging, "COUNTED", 100)
    monkeypatch.setattr(filters, "RECENT", 100)
    monkeypatch.setattr(indexed_search, "LOOKED_AT", 100)
    costs = []
    for conversations in (1, 12):
        for _ in range(conversations):
            fill(ConversationFactory(owner=anna), 200)
            Attachment.objects.bulk_create(
                Attachment(owner=anna, name="a", type="text/plain", size=1) for _ in range(200)
            )
            Usage.objects.bulk_create(
                Usage(owner=anna, model="m", month=date(2026, 1, 1)) for _ in range(200)
            )
        oncall.get("/admin/streams/run/")  # content types and the like are remembered
        with looked_at() as pages:
            costs.append({})
            for asked in ASKED:
                pages.clear()
                assert oncall.get(f"/admin/streams/{asked}").status_code == 200
                costs[-1][asked] = sum(pages)
    few, many = costs
    assert not {asked: few[asked] for asked in ASKED if many[asked] > 2 * few[asked] + 50}
    counted = oncall.get("/admin/streams/run/?status__exact=completed").content.decode()
    assert "100 runs" in counted
