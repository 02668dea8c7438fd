"""Decisions that clients of other protocols post, and the names of runs that go on after them."""

from __future__ import annotations

import pytest

from streams.dialects.ag_ui import run_ids
from streams.dialects.tool_decisions import Decided, decide
from streams.models import Conversation, Run
from tests.factories import ConversationFactory
from tests.pages_read import fill, looked_at
from tests.views.agent_answers import agent_run, done, one, step, wait
from tests.views.answers import begin

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(conversation, laptop):
    """Waits for a decision about its only call."""
    run = agent_run(conversation, laptop)
    begin(run)
    step(run, 1, ("refund", {"order": 41}), waits=(0,))
    wait(run)
    return run


def head(run):
    return Conversation.objects.get(pk=run.conversation_id).last_seq


def test_a_client_goes_on_where_its_own_run_ended_whoever_has_decided(run, laptop, phone):
    here, call = head(run), one(run, "call-1-0")
    by_id, by_block = Decided(str(call.uuid), -1, "approved"), Decided("", call.block, "answered")
    call.decide("denied", phone)
    assert decide(run, laptop, [by_id]) == here < head(run)
    assert decide(run, laptop, [by_block]) == here
    Run.objects.filter(pk=run.pk).update(status="running")
    done(run, "call-1-0", status="denied")
    step(run, 2, ("refund", {"order": 42}), waits=(0,))
    wait(run)
    assert decide(run, laptop, [by_id]) == here, "it knows nothing of the second call"
    second = Decided(str(one(run, "call-2-0").uuid), -1, "approved")
    assert decide(run, laptop, [by_id, second]) == head(run) - 2  # decided, queued
    assert decide(run, laptop, [Decided("unknown", -1, "approved")]) == head(run)


def test_two_tabs_keep_a_name_each_and_many_names_are_the_newest(run, anna):
    one, other = Run.objects.get(pk=run.pk), Run.objects.get(pk=run.pk)
    run_ids.begun(anna, one, "thread", str(run.uuid))
    run_ids.remember(one, "of one tab", 7)
    run_ids.remember(other, "of the other", 7)
    for name in ("of one tab", "of the other"):
        assert run_ids.find(anna, name) == (run, 7)
    for n in range(run_ids.MOST):
        run_ids.remember(other, f"name {n}", 8 + n)
    assert run_ids.find(anna, "of one tab") is None
    assert run_ids.find(anna, f"name {run_ids.MOST - 1}") == (run, 7 + run_ids.MOST)
    assert len(Run.objects.get(pk=run.pk).asked["continued"]) == run_ids.MOST
    assert run_ids.conversation_name(Run.objects.get(pk=run.pk)) == "thread"


def test_a_new_name_is_not_looked_for_in_all_runs(anna, run):
    run_ids.remember(run, "known", 7)
    costs = []
    for turns in (20, 2000):
        fill(ConversationFactory(owner=anna), turns)
        with looked_at() as pages:
            assert run_ids.find(anna, "unknown") is None
        costs.append(sum(pages))
    few, many = costs
    assert many < 2 * few + 20
