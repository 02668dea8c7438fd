"""What an AG-UI client calls its runs, when it asks for another answer to a prompt."""

from __future__ import annotations

import json

import pytest

from streams.models import Conversation, Run

pytestmark = pytest.mark.django_db
MODEL = "scripted:demo"
NO_STREAMS = 503  # of a server without event streams, once the run is there


@pytest.fixture
def ask(v1):
    def ask(run):
        said = [{"id": "m", "role": "user", "content": "Hi"}]
        body = {"threadId": "t", "runId": run, "messages": said}
        body["forwardedProps"] = {"model": MODEL}
        sent = json.dumps(body)
        answer = v1.client.post("/ag-ui", sent, content_type="application/json")
        assert answer.status_code == NO_STREAMS, answer.content
        return Run.objects.latest("pk")

    return ask


def ended():
    Run.objects.update(status="completed")


def stopped(v1, run):
    answer = v1.client.post(f"/ag-ui/{run}/cancel", "{}", content_type="application/json")
    return answer.status_code


def test_another_answer_has_the_name_it_was_asked_for_by(ask, v1):
    first = ask("one")
    ended()
    second = ask("two")
    assert first != second
    ended()
    assert [ask("two"), ask("one"), ask("two")] == [second] * 3
    assert Run.objects.count() == 2
    assert [stopped(v1, name) for name in ("one", "two", "three")] == [200, 200, 404]


def test_a_name_for_what_is_being_answered_already_is_kept(ask, v1):
    first = ask("one")
    assert ask("two") == first
    ended()
    assert ask("two") == first
    assert stopped(v1, "two") == 200


def test_a_name_is_free_again_once_its_conversation_is_deleted(ask):
    ask("one")
    Conversation.objects.get().delete_softly(None)
    ask("one")
    assert Run.objects.count() == 2
