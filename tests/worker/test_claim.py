"""Claims of runs that were stopped or deleted after a worker had handed them back."""

from __future__ import annotations

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction

from streams.models import Conversation
from streams.postgres.connections import INDEXED, connect
from streams.worker import claim_batches, conversation_history, purging
from streams.worker.claim_batches import Claims
from tests.factories import ConversationFactory, WorkerFactory
from tests.views.answers import begin, complete, say
from tests.worker.in_process_worker import (
    assert_whole,
    events,
    fresh,
    post,
    shown,
    status,
    until,
    working,
)

pytestmark = pytest.mark.django_db(transaction=True)


def act_late(conversation, ready, go, act):
    """A request that had the conversation's row when the worker was told to leave."""
    try:
        with transaction.atomic():
            Conversation.lock(conversation.pk)
            ready.set()
            assert go.wait(10)
            act()
    finally:
        connections.close_all()


async def handed_back_while(model, conversation, device, act):
    """A run whose worker is handing it back when `act(run)` commits; queued, nobody's."""
    run = await post(conversation, device, "One")
    ready, go = threading.Event(), threading.Event()
    async with working(drain=0.0) as one:
        model.say("Half")
        await shown(run, "Half")
        [runner] = one.running.values()
        acting = asyncio.to_thread(act_late, conversation, ready, go, lambda: act(run))
        web = asyncio.create_task(acting)
        await asyncio.to_thread(ready.wait, 10)
        one.drain()
        await until(lambda: asyncio.sleep(0, runner._stop.done()))
        go.set()
        await web
    assert (await fresh(run)).status == "queued"
    return run


async def test_a_stop_that_meets_a_hand_back_ends_the_run_and_keeps_its_text(
    model, conversation, laptop
):
    run = await handed_back_while(model, conversation, laptop, lambda run: run.cancel(laptop))
    async with working():
        done = await status(run, "cancelled")
    assert (done.answer.text, done.cancelled_by) == ("Half", laptop.mark)
    assert len(model.prompts) == 1, "asked again for an answer nobody wants"
    await assert_whole(run)


async def test_a_deletion_that_meets_a_hand_back_ends_the_run_and_is_purged(
    model, conversation, laptop
):
    def delete(run):
        conversation.delete_softly(laptop)

    run = await handed_back_while(model, conversation, laptop, delete)
    async with working():
        await status(run, "cancelled")
    await assert_whole(run)
    async with await connect("test") as connection:
        assert await purging.purge(connection, 0.0) == 1


async def test_a_prompt_that_interrupts_a_run_being_handed_back_is_answered_first(
    model, conversation, laptop
):
    await sync_to_async(conversation.change)(None, on_busy="interrupt")
    second = []

    def interrupt(run):
        second.append(conversation.post("Two", laptop)[1])

    run = await handed_back_while(model, conversation, laptop, interrupt)
    model.say("Whole").finish()
    async with working():
        await status(second[0], "completed")
    assert (await fresh(run)).status == "cancelled"
    told = [type for _, type in await events(run)]
    assert told.count("run.started") == 2, "one for each, and no second for the first"


@pytest.fixture
async def raw(transactional_db):
    async with await connect("test", **INDEXED) as connection:
        yield connection
    await sync_to_async(connections.close_all)()


@sync_to_async
def answered(run, text):
    begin(run)
    say(run, text)
    complete(run)


@sync_to_async
def several(owner):
    return ConversationFactory.create_batch(3, owner=owner), WorkerFactory().pk


async def test_a_claim_brings_the_history_that_a_later_look_would_find(raw, anna, laptop):
    here, worker = await several(anna)
    for n, conversation in enumerate(here):
        for turn in range(n):
            await answered(await post(conversation, laptop, f"Prompt {turn}"), f"Answer {turn}")
    posted = [await post(each, laptop, "The last") for each in here]
    await post(here[0], laptop, "Not yet")
    taken = Claims()
    runs, told = await taken.take(raw, worker, 10)
    assert {run.run_id for run in runs} == {run.pk for run in posted}
    assert told == await conversation_history.histories(raw, runs)
    assert [len(conversation_history.turns(told[run.pk])) for run in posted] == [1, 3, 5]
    assert await taken.rest(raw) is False
    assert await taken.take(raw, worker, 10) == ([], {})


async def test_a_conversation_that_changed_while_it_was_claimed_is_left_for_the_next_claim(
    raw, conversation, laptop, monkeypatch
):
    """What a claim sees is older than its lock: here another worker answers in between."""
    first = await post(conversation, laptop, "One")
    late = "LIMIT (SELECT %(limit)s::int FROM pg_advisory_lock_shared(7))"
    monkeypatch.setattr(
        claim_batches, "STATEMENT", claim_batches.STATEMENT.replace("LIMIT %(limit)s", late, 1)
    )
    taken, worker = Claims(), (await sync_to_async(WorkerFactory)()).pk
    async with await connect("other") as other:
        await other.execute("SELECT pg_advisory_lock(7)")
        claiming = asyncio.create_task(taken.take(raw, worker, 10))
        await until(lambda: is_held_up(other))
        await answered(first, "first")
        second = await post(conversation, laptop, "Two")
        await other.execute("SELECT pg_advisory_unlock(7)")
        assert await claiming == ([], {})
    assert await taken.rest(raw) is True
    [run], told = await taken.take(raw, worker, 10)
    assert run.run_id == second.pk
    assert [turn.text for turn in conversation_history.turns(told[second.pk])] == [
        "One",
        "first",
        "Two",
    ]
    assert [type for _, type in await events(first)].count("run.started") == 2


async def is_held_up(connection):
    found = await connection.execute(
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    )
    return await found.fetchone()
