"""What a claim finds that is no plain queued run: stopped or deleted while it was handed back."""

from __future__ import annotations

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction

from streams.models import Conversation
from streams.postgres.connections import connect
from streams.worker import retention
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
        assert await retention.purge(connection, 0.0) == 1


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
