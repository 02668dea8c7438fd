"""`/usage`: a person's own answers, added up."""

from __future__ import annotations

import pytest

from streams.models import Run
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
    Run.objects.filter(conversation=other).update(started_at="2026-01-02T00:00Z")
    Run.objects.exclude(conversation=other).exclude(started_at=None).update(
        started_at="2026-02-03T00:00Z"
    )
    assert api("get", "/usage").json()["usage"] == [
        {"month": "2026-02", "model": "scripted:demo", "answers": 3, "input_tokens": 6,
         "output_tokens": 10},
        {"month": "2026-01", "model": "local:smollm2", "answers": 1, "input_tokens": 3,
         "output_tokens": 5},
    ]  # fmt: skip
    assert "SmolLM2 · on this computer" in page.get("/usage").content.decode()
    assert bert_api("get", "/usage").json() == {"usage": []}
