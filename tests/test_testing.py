"""What a site's own tests are given: inside a transaction, and where rows are committed."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import TestCase

import streams
from streams import signals
from streams.agents.tool_threads import in_place
from streams.exceptions import AlreadyDecided
from streams.models import Delivery, Worker
from streams.testing import FakeModel, run_pending
from tests.factories import UserFactory
from tests.worker import agents
from tests.worker.in_process_worker import assert_whole


def test_an_answer_is_worked_off_inside_the_tests_transaction(anna, streams_model, run_pending):
    assert connection.in_atomic_block
    streams_model.answers("All is paid.", thinks="Let me see.")
    chat = streams.start(anna, instructions="Be brief.")
    run = chat.ask("Summarise this")

    assert run_pending() == [run]

    assert (run.refresh().status, run.text) == ("completed", "All is paid.")
    assert run.usage == {"output_tokens": 3}
    (asked,) = streams_model.prompts
    assert (asked.system, asked.turns[-1].text) == ("Be brief.", "Summarise this")
    assert_whole.func(run._run)
    assert run_pending() == []
    assert not Worker.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_was_worked_off_is_committed_outside_of_one(anna, streams_model, run_pending):
    run = streams.start(anna).ask("Hello")

    run_pending()

    assert [event.type for event in run.follow()][-1] == "run.completed"
    assert run.wait(1).text == "OK"


def test_the_prompts_of_a_conversation_are_answered_in_turn(anna, streams_model, run_pending):
    streams_model.answers("One").answers("Two")
    chat = streams.start(anna)
    chat.ask("First")
    chat.ask("Second")

    assert [run.text for run in run_pending()] == ["One", "Two"]
    assert [turn.text for turn in streams_model.prompts[1].turns] == ["First", "One", "Second"]


def test_a_failure_is_told_with_what_had_been_said(anna, streams_model, run_pending):
    streams_model.fails("overloaded").fails("content_filter", after="Some of ")
    runs = [streams.start(anna).ask("Hello") for _ in range(2)]

    run_pending()

    first, second = (run.refresh() for run in runs)
    assert (first.status, first.error.code, first.error.retryable) == ("failed", "overloaded", True)
    assert (second.text, second.error.code) == ("Some of ", "content_filter")
    with pytest.raises(ValueError, match="nonsense"):
        streams_model.fails("nonsense")


def test_receivers_are_told_and_may_ask_again(anna, streams_model, run_pending):
    def receiver(run, chat, status, **told):
        if run.prompt == "First":
            chat.ask("Second")

    signals.run_ended.connect(receiver)
    streams.start(anna).ask("First")

    assert [run.prompt for run in run_pending()] == ["First", "Second"]
    assert not Delivery.objects.exists()


def test_without_a_model_each_is_asked_that_it_names(anna):
    streams.start(anna, model="scripted:count-3@0").ask("Hello")

    assert [run.text for run in run_pending()] == ["1 2 3"]


class InDjangosOwnTestCase(TestCase):
    def test_it_works_too(self):
        run = streams.start(UserFactory()).ask("Hello")
        run_pending(FakeModel().answers("Hi"))
        assert run.refresh().text == "Hi"


def test_an_agent_is_worked_off_until_it_waits_and_goes_on_once_its_call_is_decided(
    anna, settings, streams_model, run_pending
):
    settings.STREAMS = {**settings.STREAMS, "agents": {"a": "tests.worker.agents.agent"}}
    agents.forget()
    streams_model.calls(("pay", {"what": "rent"}), ("act", {"what": "a"}), says="One moment.")
    streams_model.answers("All is paid.")
    run = streams.start(anna, model="agent:a").ask("Pay")

    run_pending()
    assert run.refresh().status == "waiting"
    assert agents.done == {"a": 1}
    (paying, acting) = run.calls()
    assert (paying.name, paying.status, acting.result) == ("pay", "waiting", "a is done")

    assert paying.approve().status == "approved"
    run_pending()

    assert run.refresh().text == "One moment.All is paid."
    assert agents.done == {"a": 1, "rent": 1}
    with pytest.raises(AlreadyDecided):
        paying.deny()
    assert not in_place.get(), "nothing stays behind for the next test"
