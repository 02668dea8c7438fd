"""Following and waiting: in order, whole, from any cursor, in any process."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

import streams
from streams import exceptions
from streams.api import log_reader
from streams.postgres.connections import INDEXED, connect
from streams.worker import retention

from ..processes import eventually
from ..worker.in_process_worker import shown, working

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_run_is_followed_to_its_end(anna, model):
    chat = await streams.astart(anna)
    other = await chat.aask("Before")
    run = await chat.aask("Hello")
    model.say("One").finish().say("Two ", "words").finish()

    async with working():
        events = [event async for event in run.follow()]

    assert {event.run for event in events} == {run.id} != {other.id}
    assert "".join(event.text for event in events) == "Two words"
    assert (events[0].type, events[-1].type) == ("run.queued", "run.completed")
    assert [e async for e in run.follow(after=events[-1].seq)] == []


async def test_a_cursor_in_mid_answer_loses_and_doubles_nothing(anna, model):
    chat = await streams.astart(anna)
    run = await chat.aask("Hello")
    async with working():
        model.say("One ")
        await shown(run._run, "One ")
        before, cursor = await read_until(chat, 0, "One ")
        model.say("two ")
        await shown(run._run, "One two ")
        follower = asyncio.create_task(read_until(chat, cursor, "two three"))
        model.say("three").finish()
        rest, _ = await follower
        await run.await_(10)

    numbers = [event.seq for event in before + rest]
    assert numbers == sorted(set(numbers))
    assert not any(event.replaces for event in rest)
    whole, _ = await read_until(chat, 0, "One two three")
    assert "".join(event.text for event in whole if event.run) == "One two three"


async def test_a_cursor_from_before_a_compaction_gets_the_block_anew(anna, model):
    chat = await streams.astart(anna)
    run = await chat.aask("Hello")
    async with working():
        model.say("One ")
        _, cursor = await read_until(chat, 0, "One ")
        model.say("two").finish()
        await run.await_(10)
    async with await connect("test", **INDEXED) as raw:
        await retention.compact_ended(raw, 0, 10)

    events = [event async for event in run.follow(after=cursor)]

    assert [(e.text, e.replaces) for e in events if e.text] == [("One two", True)]


async def read_until(chat, after, said):
    """Events past a cursor until they have said so much of an answer, and the cursor then."""
    events = []
    async with aclosing(aiter(chat.follow(after=after))) as following:
        async for event in following:
            events.append(event)
            if "".join(e.text for e in events if e.run) == said:
                break
    return events, event.seq


async def test_many_follow_through_one_listener_which_goes_with_the_last(anna, model):
    chats = [await streams.astart(anna) for _ in range(3)]
    runs = [await chat.aask("Hello") for chat in chats]
    model.say("Hi").finish().say("Hi").finish().say("Hi").finish()

    followers = [asyncio.create_task(read_until(chat, 0, "Hi")) for chat in chats]
    waiting = [asyncio.create_task(run.await_(10)) for run in runs]
    async with working():
        await asyncio.gather(*followers)
        assert [run.text for run in await asyncio.gather(*waiting)] == ["Hi"] * 3

    assert log_reader._reader is None
    await asyncio.to_thread(eventually, lambda: not reader_threads())


def reader_threads():
    return [each for each in threading.enumerate() if each.name == "streams-log-reader"]


async def test_a_blocking_caller_follows_waits_and_asks_alike(anna, model):
    model.say("Hi").finish()

    def blocking():
        try:
            run = streams.start(anna).ask("Hello")
            said = [event.text for event in run.follow()]
            return run.wait(10), "".join(said)
        finally:
            connections.close_all()

    async with working():
        run, said = await asyncio.to_thread(blocking)

    assert (run.status, run.text, said, run.error) == ("completed", "Hi", "Hi", None)
    assert run.usage == {"output_tokens": 1}


async def test_waiting_has_an_end(anna, other_half):
    run = await (await streams.astart(anna)).aask("Hello")

    with pytest.raises(exceptions.StillRunning):
        await run.await_(0.05)
    with pytest.raises(TimeoutError):
        await sync_to_async(run.wait)(0.05)


async def test_an_answer_is_stopped_and_tried_again(anna, model):
    run = await (await streams.astart(anna)).aask("Hello")
    async with working():
        model.say("Some of ")
        await shown(run._run, "Some of ")
        assert (await run.arefresh()).text == "Some of "
        stopped = await (await run.acancel()).await_(10)
        assert (stopped.status, stopped.text) == ("cancelled", "Some of ")
        model.say("All of it").finish()
        again = await (await run.aretry()).await_(10)

    assert (again.status, again.text) == ("completed", "All of it")
    assert again.id != run.id


async def test_a_deleted_conversation_ends_those_who_follow_it(anna, other_half):
    chat = await streams.astart(anna)
    run = await chat.aask("Hello")
    follower = asyncio.create_task(read_until(chat, 0, "never"))
    waiting = asyncio.create_task(run.await_(10))
    await asyncio.to_thread(eventually, is_listening)

    await chat.adelete()

    with pytest.raises(exceptions.NotFound):
        await asyncio.wait_for(follower, 3)
    assert (await asyncio.wait_for(waiting, 3)).status == "cancelled"


@pytest.mark.parametrize("after", [-1, 5])
async def test_a_cursor_of_another_log_is_refused(anna, other_half, after):
    chat = await streams.astart(anna)
    await chat.aask("Hello")

    with pytest.raises(exceptions.BadCursor):
        await read_until(chat, after, "never")


async def test_a_waiter_asks_no_more_often_than_the_answers_life_changes(anna, model, settings):
    """Not at every token, and not every few milliseconds."""
    settings.STREAMS = {**settings.STREAMS, "stream_rescan": 60.0}
    run = await (await streams.astart(anna)).aask("Hello")
    waiting = asyncio.create_task(run.await_(20))
    await asyncio.to_thread(eventually, is_listening)
    asked = 0
    reader = log_reader._reader
    original = reader._asked

    async def counted(look):
        nonlocal asked
        asked += 1
        return await original(look)

    reader._asked = counted
    async with working():
        for word in range(50):
            model.say(f" {word}")
            await asyncio.sleep(0.005)
        model.finish()
        await waiting

    assert 1 <= asked <= 4


def is_listening():
    reader = log_reader._reader
    return reader and reader._waiting and not reader._listener.deaf
