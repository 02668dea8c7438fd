"""Prompts, and the runs that answer them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from streams import log
from streams.conf import conf
from streams.models import Conversation, Run, Worker
from tests.factories import WorkerFactory

from .answers import begin, complete, fail, stop

pytestmark = pytest.mark.django_db


@pytest.fixture
def messages(conversation):
    return f"/c/{conversation.uuid}/messages"


def test_a_prompt_is_201_with_its_message_and_run(api, messages, conversation):
    response = api("post", messages, {"content": "Hi", "client_key": "k"})
    run = Run.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "message": {"id": str(run.prompt.uuid), "seq": 1},
        "run": {"id": str(run.uuid), "status": "queued"},
    }


def test_the_same_key_again_is_the_same_answer_and_another_content_is_refused(api, messages):
    first = api("post", messages, {"content": "Hi", "client_key": "k"})
    again = api("post", messages, {"content": "Hi", "client_key": "k"})
    assert (again.status_code, again.json()) == (200, first.json())
    other = api("post", messages, {"content": "Ho", "client_key": "k"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "key_reused")


def test_a_conversation_that_rejects_is_busy(api, messages, conversation):
    Conversation.objects.update(on_busy="reject")
    api("post", messages, {"content": "Hi"})
    response = api("post", messages, {"content": "Ho"})
    assert (response.status_code, response.json()["error"]["code"]) == (409, "busy")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b'{"content": NaN}', 400),
        (b"[" * 100_000, 400),
        (b'{"content": 1}', 422),
        (b"{}", 422),
        (b"", 422),
        (b'{"content": "\\ud800x"}', 201),
    ],
)
def test_bodies_of_every_kind(api, messages, body, status):
    response = api("post", messages, body)
    assert response.status_code == status, response.content
    if status >= 400:
        assert set(response.json()["error"]) >= {"code", "message"}


def test_a_body_that_is_neither_form_nor_json_is_415(api, messages):
    response = api.client.post(
        messages, "hi", content_type="text/plain", headers={"Accept": "application/json"}
    )
    assert (response.status_code, response.json()["error"]["code"]) == (
        415,
        "unsupported_media_type",
    )


def test_a_body_too_large_is_413(api, messages, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    response = api("post", messages, {"content": "x" * 200})
    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


def test_a_form_leads_back_to_the_newest(page, messages, conversation):
    response = page.post(messages, {"content": "Hi"})
    assert response.status_code == 303
    assert response["Location"] == f"/c/{conversation.uuid}/#streams-newest"


def test_a_refused_form_gives_back_what_was_written(page, messages):
    Conversation.objects.update(on_busy="reject")
    page.post(messages, {"content": "One"})
    response = page.post(messages, {"content": "Two <3"})
    assert response.status_code == 409
    assert "Two &lt;3</textarea>" in response.content.decode()
    assert "An answer is still being written." in response.content.decode()


def test_stopping_is_202_until_it_has_stopped_and_200_after(api, conversation, laptop):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    here = f"/runs/{run.uuid}/cancel"
    for _ in range(2):
        response = api("post", here)
        assert (response.status_code, response.json()["stopping"]) == (202, True)
    stop(run)
    response = api("post", here)
    assert (response.status_code, response.json()["status"]) == (200, "cancelled")
    assert response.json()["stopped_by"]["name"] == "Laptop"


def test_a_queued_run_stops_at_once(api, conversation, laptop):
    _, run, _ = conversation.post("Hi", laptop)
    response = api("post", f"/runs/{run.uuid}/cancel")
    assert (response.status_code, response.json()["status"]) == (200, "cancelled")


def test_a_stop_that_comes_after_the_end_changes_nothing(api, conversation, laptop):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    complete(run)
    response = api("post", f"/runs/{run.uuid}/cancel")
    assert (response.status_code, response.json()["status"]) == (200, "completed")
    assert log.rows_after(conversation.pk)[-1].type == "run.completed"


def test_a_stop_names_its_run_and_cannot_hit_a_newer_one(api, conversation, laptop):
    _, earlier, _ = conversation.post("One", laptop)
    begin(earlier)
    complete(earlier)
    _, newer, _ = conversation.post("Two", laptop)
    begin(newer)
    api("post", f"/runs/{earlier.uuid}/cancel")
    newer.refresh_from_db()
    assert (newer.status, newer.cancel_requested_at) == ("running", None)


def test_a_run_in_json_and_as_a_page(api, page, conversation, laptop):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    complete(run)
    answer = api("get", f"/runs/{run.uuid}/").json()
    assert (answer["status"], answer["attempt"], answer["stop_reason"]) == (
        "completed", 1, "end_turn",
    )  # fmt: skip
    assert answer["usage"]["output_tokens"] == 5
    assert answer["conversation"] == str(conversation.uuid)
    assert "3 read, 5 written" in page.get(f"/runs/{run.uuid}/").content.decode()


def test_a_run_says_whether_anybody_sees_to_it(api, conversation, laptop):
    _, run, _ = conversation.post("Hi", laptop)

    def worker():
        return api("get", f"/runs/{run.uuid}/").json()["worker"]

    assert worker() == "none"
    mine = WorkerFactory()
    assert worker() == "alive"
    begin(run)
    Run.objects.filter(pk=run.pk).update(worker=mine)
    assert worker() == "alive"
    Worker.objects.update(beat_at=Now() - timedelta(seconds=conf().lease + 1))
    WorkerFactory()
    assert worker() == "lost", "another one is there, and has not taken over yet"
    Worker.objects.update(beat_at=Now(), stopped_at=Now())
    assert worker() == "lost"
    complete(run)
    assert worker() is None


def test_trying_again_is_a_new_run_for_the_same_prompt(api, conversation, laptop):
    _, run, _ = conversation.post("Hi", laptop)
    early = api("post", f"/runs/{run.uuid}/retry")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "not_retryable")
    begin(run)
    fail(run)
    response = api("post", f"/runs/{run.uuid}/retry")
    assert response.status_code == 201
    assert response.json()["prompt"] == str(run.prompt.uuid)
    twice = api("post", f"/runs/{run.uuid}/retry")
    assert twice.json()["id"] == response.json()["id"] != str(run.uuid)


def test_stop_and_retry_by_form_lead_back(page, conversation, laptop):
    _, run, _ = conversation.post("Hi", laptop)
    begin(run)
    for verb in ("cancel", "retry"):
        response = page.post(f"/runs/{run.uuid}/{verb}", {"csrfmiddlewaretoken": "x"})
        assert response.status_code == 303
        assert response["Location"].startswith(f"/c/{conversation.uuid}/")
        stop(run) if verb == "cancel" else None


def test_the_read_mark_rises_and_never_falls(api, conversation, laptop):
    conversation.post("Hi", laptop)
    here = f"/c/{conversation.uuid}/read"
    assert api("put", here, {"seq": 1}).json() == {"seq": 1}
    assert api("put", here, {"seq": 99}).json() == {"seq": 2}
    assert api("put", here, {"seq": 0}).json() == {"seq": 2}
    for wrong in ({}, {"seq": "x"}, {"seq": -1}, {"seq": 1.5}, {"seq": True}, {"seq": 2**70}):
        assert api("put", here, wrong).status_code == 422
