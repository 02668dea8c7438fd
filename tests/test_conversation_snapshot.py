"""A snapshot equals the fold of the whole log: the contract between page and stream."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError, connection, transaction

from streams import log
from streams.conversation_snapshot import snapshot
from streams.exceptions import NotFound
from streams.log import transcript
from streams.models import Conversation
from tests.views.answers import append, begin, complete, fail, say, stop

pytestmark = pytest.mark.django_db


def assert_same(conversation):
    folded = transcript.fold(log.rows_after(conversation.pk)).as_dict()
    assert snapshot(conversation.pk).transcript.as_dict() == folded


def test_an_empty_conversation(conversation):
    assert_same(conversation)


def test_a_queued_prompt_and_another_behind_it(conversation, laptop):
    conversation.post("One", laptop)
    conversation.post("Two", None)
    assert_same(conversation)


def test_a_prompt_that_goes_first_and_those_it_overtakes(conversation, laptop):
    begin(conversation.post("One", laptop)[1])
    conversation.post("Two", laptop)
    conversation.post("Three", None)
    conversation = conversation.change(laptop, on_busy="interrupt")
    conversation.post("Now", laptop)
    assert_same(conversation)
    runs = snapshot(conversation.pk).transcript.as_dict()["runs"]
    assert [run["ahead"] for run in runs] == [0, 2, 3, 1]
    taken = [run.ahead for run in conversation.runs.with_ahead().order_by("pk")]
    assert taken == [0, 2, 3, 1]


def test_an_answer_that_is_being_written(conversation, laptop):
    _, run, _ = conversation.post("One", laptop)
    begin(run)
    say(run, "Thinking", kind="reasoning", end=False)
    say(run, "Hello ", "there", index=1, end=False)
    conversation.post("Two", laptop)
    say(run, "!", index=1, start=False, end=False)
    assert_same(conversation)
    run.cancel(laptop)
    assert_same(conversation)


def test_answers_that_ended_in_every_way(conversation, laptop, phone):
    for end in (complete, fail, stop):
        _, run, _ = conversation.post("Go", laptop)
        begin(run)
        say(run, "Some ", "text 😀")
        run.cancel(phone) if end is stop else None
        end(run)
        assert_same(conversation)


def test_a_tool_call_keeps_its_name(conversation, laptop):
    _, run, _ = conversation.post("Go", laptop)
    begin(run)
    say(run, '{"a":', "1}", kind="tool_call", name="look", call_id="c1")
    assert_same(conversation)
    complete(run)
    assert_same(conversation)


def test_retried_answers_stand_behind_their_prompt(conversation, laptop):
    _, run, _ = conversation.post("One", laptop)
    begin(run)
    fail(run)
    conversation.post("Two", laptop)
    again = run.retry(laptop)
    assert_same(conversation)
    again.cancel(laptop)
    assert_same(conversation)


def test_a_run_taken_back_leaves_with_its_prompt(conversation, laptop):
    conversation.post("One", laptop)
    _, second, _ = conversation.post("Two", laptop)
    second.cancel(laptop)
    assert_same(conversation)
    assert len(snapshot(conversation.pk).transcript.messages) == 2


def test_a_run_handed_back_keeps_what_it_has_shown(conversation, laptop):
    _, run, _ = conversation.post("One", laptop)
    begin(run)
    say(run, "So far", end=False)
    append(run, run.event("run.queued", attempt=1), status="queued")
    assert_same(conversation)
    begin(run, attempt=2)
    assert_same(conversation)
    say(run, "Anew", end=False)
    assert_same(conversation)


def test_the_device_is_named_as_it_was_then(conversation, laptop):
    conversation.post("One", laptop)
    laptop.name = "Renamed"
    laptop.save()
    assert_same(conversation)
    laptop.delete()
    assert_same(conversation)


def test_a_deleted_conversation_is_not_there(conversation, laptop):
    conversation.delete_softly(laptop)
    with pytest.raises(NotFound):
        snapshot(conversation.pk)


def test_as_many_queries_for_a_hundred_messages_as_for_two(
    conversation, laptop, django_assert_num_queries
):
    _, run, _ = conversation.post("One", laptop)
    begin(run)
    for number in range(50):
        conversation.post(str(number), laptop)
    with django_assert_num_queries(9):  # two savepoints' four, a lock, and four that read
        snapshot(conversation.pk)


@pytest.mark.django_db(transaction=True)
def test_all_of_it_is_of_one_moment(conversation, laptop):
    """A prompt that commits between two of the snapshot's queries is in none of it."""
    conversation.post("One", laptop)
    posted = []

    def post_before_messages_are_read(execute, sql, params, many, context):
        if 'FROM "streams_message"' in sql and not posted:
            posted.append(sql)
            thread = threading.Thread(target=post_elsewhere, args=[conversation])
            thread.start()
            thread.join()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(post_before_messages_are_read):
        taken = snapshot(conversation.pk).transcript
    assert (taken.head, len(taken.messages), len(taken.runs)) == (2, 2, 1)
    assert log.rows_after(conversation.pk)[-1].seq == 4


@pytest.mark.django_db(transaction=True)
def test_in_a_callers_transaction_it_is_of_one_moment_too_and_holds_nobody_up(conversation, laptop):
    """As with ATOMIC_REQUESTS, under which a word came twice: in the page and by its stream."""
    conversation.post("One", laptop)
    outcomes = []

    def try_to_post():
        try:
            with transaction.atomic():
                connection.cursor().execute("SET LOCAL lock_timeout = '200ms'")
                Conversation.objects.get(pk=conversation.pk).post("Two", None)
            outcomes.append("posted")
        except OperationalError:
            outcomes.append("waited")
        finally:
            connection.close()

    def try_elsewhere():
        thread = threading.Thread(target=try_to_post)
        thread.start()
        thread.join()

    def try_before_messages_are_read(execute, sql, params, many, context):
        if 'FROM "streams_message"' in sql and not outcomes:
            try_elsewhere()
        return execute(sql, params, many, context)

    with transaction.atomic():
        with connection.execute_wrapper(try_before_messages_are_read):
            taken = snapshot(conversation.pk).transcript
        try_elsewhere()
    assert (taken.head, len(taken.messages), len(taken.runs)) == (2, 2, 1)
    assert outcomes == ["waited", "posted"]


def post_elsewhere(conversation):
    Conversation.objects.get(pk=conversation.pk).post("Two", None)
    connection.close()


def test_a_snapshot_inside_a_transaction_sees_what_that_one_sees(conversation, laptop):
    with transaction.atomic():
        conversation.post("One", laptop)
        assert_same(conversation)
