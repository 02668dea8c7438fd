"""How many queries each page and each call makes, however long the conversation is."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from streams.conf import conf
from streams.log import NewEvent, file_references
from streams.models import Conversation, Event, Message, Run

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html"}


def fill(conversation, device, messages):
    """Finished turns, as the model's rows alone: their deltas are folded away."""
    turns = range(messages // 2)
    told = [
        Message(conversation=conversation, seq=4 * n + 1, role="user", device=device,
                blocks=file_references.said(f"{n}?"))
        for n in turns
    ]  # fmt: skip
    answers = [
        Message(conversation=conversation, seq=4 * n + 2, role="assistant",
                blocks=file_references.said(f"{n}."))
        for n in turns
    ]  # fmt: skip
    Message.objects.bulk_create([*told, *answers])
    runs = [
        Run(conversation=conversation, prompt=prompt, answer=answer, model=conversation.model,
            status=Run.Status.COMPLETED, attempt=1)
        for prompt, answer in zip(told, answers, strict=True)
    ]  # fmt: skip
    Run.objects.bulk_create(runs)
    Conversation.objects.filter(pk=conversation.pk).update(last_seq=messages * 2)
    conversation.refresh_from_db()
    return runs[-1]


@pytest.fixture(params=[10, 1000])
def last_run(request, conversation, laptop):
    return fill(conversation, laptop, request.param)


@pytest.fixture
def counted(page, here, last_run):
    """Counts the queries of a request, without savepoints of the test's own transaction."""
    page.get(here)

    def count(method, path, body=None, headers=JSON):
        given = {} if body is None else {"data": body, "content_type": "application/json"}
        with CaptureQueriesContext(connection) as made:
            response = getattr(page, method)(path, headers=headers, **given)
        assert response.status_code < 400, response.content
        return len([q for q in made.captured_queries if "SAVEPOINT" not in q["sql"]])

    return count


@pytest.fixture
def here(conversation):
    return f"/c/{conversation.uuid}/"


def is_nearly_full(conversation):
    """So many events that its messages are counted, which may be too many."""
    return conversation.last_seq + 2 > conf().conversation_messages


# Session, user and device are the first of each. Where a part of the messages is shown, that is
# looked up first, and what the first message of all says.
def test_reading_a_conversation(counted, here, conversation):
    in_part = conversation.last_seq > 2 * conf().page_messages
    assert counted("get", here, headers=HTML) == 10 + 2 * in_part
    assert counted("get", here) == 6


def test_the_list(counted):
    assert counted("get", "/c/", headers=HTML) == 2
    assert counted("get", "/c/") == 2


def test_a_prompt_and_its_end(counted, here, conversation):
    full = is_nearly_full(conversation)
    prompt = {"content": "Hi", "client_key": "k"}
    assert counted("post", f"{here}messages", prompt) == 6 + full
    assert counted("post", f"{here}messages", prompt) == 5
    run = conversation.runs.first()
    assert counted("get", f"/runs/{run.uuid}/") == 2
    assert counted("post", f"/runs/{run.uuid}/cancel") == 7


def test_another_answer(counted, last_run):
    full = is_nearly_full(last_run.conversation)
    assert counted("post", f"/runs/{last_run.uuid}/retry") == 10 + full


def test_a_new_conversation(counted):
    assert counted("post", "/c/", {"content": "Hi"}) == 3


def test_changing_and_removing(counted, here):
    assert counted("patch", here, {"title": "New"}) == 5
    assert counted("put", f"{here}read", {"seq": 1}) == 5
    assert counted("delete", here) == 7
    assert counted("post", f"{here}restore") == 5


def test_the_rest(counted):
    assert counted("get", "/devices/", headers=HTML) == 5
    assert counted("post", "/render", {"text": "**x**"}) == 1


@pytest.mark.django_db
def test_a_probe_asks_the_database_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_every_key_of_the_log_begins_with_the_conversation():
    """So that the table can be partitioned or sharded by it without another schema."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.relname, a.attname FROM pg_index x"
            " JOIN pg_class i ON i.oid = x.indexrelid"
            " JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]"
            " WHERE x.indrelid = %s::regclass AND x.indisunique",
            [Event._meta.db_table],
        )
        found = dict(cursor.fetchall())
    assert len(found) == 2
    assert set(found.values()) == {"conversation_id"}
    assert Event._meta.pk.field_names == ("conversation_id", "seq")


def test_an_append_touches_rows_of_its_own_conversation_alone(conversation, laptop):
    """By its key: no scan that a sharded table would have to send everywhere."""
    from streams.log.locked_appending import APPEND_LOCKED

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN " + APPEND_LOCKED,
            {
                "conversation": conversation.pk,
                "count": 1,
                "queued": False,
                "runs": [None],
                "types": ["conversation.updated"],
                "datas": [NewEvent("conversation.updated", {}).json],
            },
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert f"Index Cond: (id = {conversation.pk})" in plan
    assert "Scan on streams_event" not in plan
