"""`/usage`: a person's own answers, added up."""

from __future__ import annotations

import pytest

from streams.models import Conversation, Usage
from streams.views import usage
from tests.factories import ConversationFactory

from .answers import begin, complete, fail, say

pytestmark = pytest.mark.django_db


def test_answers_are_added_up_by_month_and_model(api, bert_api, page, anna, laptop, conversation):
    other = ConversationFactory(owner=anna, model="local:smollm2")
    for each in (conversation, conversation, other):
        run = each.post("Hi", laptop)[1]
        begin(run)
        say(run, "Hello")
        complete(run)
    failed = conversation.post("Hi", laptop)[1]
    begin(failed)
    fail(failed)
    conversation.post("It waits", laptop)
    Usage.objects.filter(model="local:smollm2").update(month="2026-01-01")
    Usage.objects.filter(model="scripted:demo").update(month="2026-02-01")
    Conversation.objects.all().delete()
    assert api("get", "/usage").json()["usage"] == [
        {"month": "2026-02", "model": "scripted:demo", "answers": 3, "input_tokens": 6,
         "output_tokens": 10, "cached_tokens": 0, "estimated_answers": 0, "dollars": None},
        {"month": "2026-01", "model": "local:smollm2", "answers": 1, "input_tokens": 3,
         "output_tokens": 5, "cached_tokens": 0, "estimated_answers": 0, "dollars": None},
    ]  # fmt: skip
    assert "SmolLM2 · on this computer" in page.get("/usage").content.decode()
    assert bert_api("get", "/usage").json() == {"usage": [], "budget": None}


def test_a_month_that_would_be_cut_is_left_out(api, anna, monkeypatch):
    monkeypatch.setattr(usage, "MOST", 3)
    for month, models in (("2026-03", "abc"), ("2026-02", "ab"), ("2026-01", "a")):
        for model in models:
            Usage.objects.create(owner=anna, month=f"{month}-01", model=model)

    def months():
        return [line["month"] for line in api("get", "/usage").json()["usage"]]

    assert months() == ["2026-03"] * 3
    monkeypatch.setattr(usage, "MOST", 4)
    assert months() == ["2026-03"] * 3
    monkeypatch.setattr(usage, "MOST", 5)
    assert months() == ["2026-03"] * 3 + ["2026-02"] * 2
