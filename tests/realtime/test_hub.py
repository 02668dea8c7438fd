"""The hub loses no event between reading the table and hearing the next notification."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import suppress

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections

from streams import log
from streams.conf import conf
from streams.log import reading
from streams.models import Event
from streams.postgres.epoch_renewal import Life
from streams.realtime import hub as hubs
from streams.realtime.hub import Hub
from tests.factories import ConversationFactory

pytestmark = pytest.mark.django_db(transaction=True)

# Nothing is found by looking again later.
ONCE = {"stream_rescan": 600, "stream_rescan_unsignalled": 600}


@pytest.fixture
async def hub():
    hub = Hub(dataclasses.replace(conf(), **ONCE))
    await hub.start()
    async with asyncio.timeout(20):
        while hub.listener.deaf:
            await asyncio.sleep(0.01)
    yield hub
    await hub.close()
    await sync_to_async(connections.close_all)()


async def told(stream, until):
    """Returns what the stream says up to and with `until`."""
    said = b""
    async with asyncio.timeout(20):
        async for data in stream.frames():
            said += data
            if until in said:
                return said
    return said


async def test_what_came_between_being_let_in_and_joining_is_found_at_once(
    hub, conversation, laptop
):
    await sync_to_async(conversation.post)("Hello", laptop)
    stream = hub.join(conversation.pk, laptop, head=1, cursor=1)
    assert b"id: 2\n" in await told(stream, b"id: 2\n")
    hub.leave(stream)


async def test_those_who_lack_few_rows_are_read_for_together(
    hub, conversation, laptop, monkeypatch
):
    async def alone(conversation_id, after, most=None):
        raise AssertionError("nobody needs a query of their own")

    reads, read = [], log.read_new

    async def together(source, cursors, limit):
        reads.append(len(cursors))
        return await read(source, cursors, limit)

    monkeypatch.setattr(hub, "catch_up", alone)
    others = await sync_to_async(ConversationFactory.create_batch)(9, owner=laptop.user)
    here = [conversation, *others]
    for each in here:
        await sync_to_async(each.post)("Hello", laptop)
    monkeypatch.setattr(log, "read_new", together)
    streams = [hub.join(each.pk, laptop, head=2, cursor=0) for each in here]
    for said in await asyncio.gather(*(told(stream, b"event: sync") for stream in streams)):
        assert [said.count(what) for what in (b"id: 1\n", b"id: 2\n", b'"head":2')] == [1, 1, 1]
    assert len(reads) < 5
    for stream in streams:
        hub.leave(stream)


async def test_rows_that_are_gone_do_not_keep_a_stream_waiting(hub, conversation, laptop):
    await sync_to_async(conversation.post)("Hello", laptop)
    await sync_to_async(Event.objects.filter(seq=2).delete)()
    stream = hub.join(conversation.pk, laptop, head=2, cursor=0)
    said = await told(stream, b"event: sync")
    assert b"id: 1\n" in said
    hub.leave(stream)


@pytest.fixture
def held(monkeypatch):
    """`begin`, and the next rows that are read stay under way until `end`."""

    class Held:
        begin, reached, end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    read = log.read_new

    async def slow(source, cursors, limit):
        found = await read(source, cursors, limit)
        if found and Held.begin.is_set():
            Held.reached.set()
            await Held.end.wait()
        return found

    monkeypatch.setattr(log, "read_new", slow)
    return Held


async def test_rows_read_for_a_tail_that_has_gone_do_not_fill_its_successor(
    hub, held, conversation, laptop
):
    """A page refreshed in mid-answer: it was let in at 2, and the old one's read of 4 is
    under way when it joins. To the new tail 3 would look folded."""
    await sync_to_async(conversation.post)("Hello", laptop)
    old = hub.join(conversation.pk, laptop, head=2, cursor=2)
    change = sync_to_async(conversation.change)
    await change(None, title="Three")
    assert b"id: 3\n" in await told(old, b"id: 3\n")
    held.begin.set()
    await change(None, title="Four")
    await asyncio.wait_for(held.reached.wait(), 20)
    hub.leave(old)
    new = hub.join(conversation.pk, laptop, head=2, cursor=2)
    held.begin.clear()
    held.end.set()
    assert b"id: 3\n" in await told(new, b"id: 4\n")
    hub.leave(new)


@pytest.fixture
def life(monkeypatch):
    """Which database this is; a test writes another."""
    lives = ["first"]

    async def life_of(connection):
        return Life(lives[-1], "")

    monkeypatch.setattr(hubs, "life_of", life_of)
    return lives


async def test_a_stream_is_ended_when_its_log_is_another_databases(life, hub, conversation, laptop):
    """As after a standby took over that had not heard of the last events: going on, it would
    never send the new ones of the same numbers."""
    await sync_to_async(conversation.post)("Hello", laptop)
    stream = hub.join(conversation.pk, laptop, head=2, cursor=2)
    assert b"first" in await told(stream, b"sync")
    life.append("second")
    await sync_to_async(cut)()
    assert b"event: bye" in await told(stream, b"bye")
    new = hub.join(conversation.pk, laptop, head=2, cursor=2)
    hub.leave(stream)
    assert b"second" in await told(new, b"sync")
    await sync_to_async(conversation.change)(None, title="Three")
    assert b"id: 3\n" in await told(new, b"id: 3\n")
    hub.leave(new)


def cut():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'chatstream hub'"
        )


async def test_rows_that_cannot_be_read_keep_nothing_from_other_conversations(
    hub, conversation, laptop, anna, monkeypatch, caplog
):
    """As on a page of the disk that has gone bad."""
    other = await sync_to_async(ConversationFactory)(owner=anna)
    streams = [hub.join(each.pk, laptop, head=0, cursor=0) for each in (conversation, other)]
    for stream in streams:
        await told(stream, b"sync")
    bad = f"repeat(e.data::text, 1 / (w.conversation_id - {conversation.pk})::int)"
    broken = reading.READ_NEW.replace("e.data::text", bad)
    monkeypatch.setattr(reading, "READ_NEW", broken)
    for each in (conversation, other):
        await sync_to_async(each.change)(None, title="New")
    assert b"New" in await told(streams[1], b"New")
    assert f"conversation {conversation.pk} cannot be read" in caplog.text
    monkeypatch.undo()
    await sync_to_async(conversation.change)(None, title="Newer")
    assert b'"New"' in await told(streams[0], b"Newer"), "none is missing once it can be read"
    for stream in streams:
        hub.leave(stream)


async def test_what_a_reading_had_found_that_broke_is_found_by_the_next(
    hub, conversation, laptop, monkeypatch
):
    stream = hub.join(conversation.pk, laptop, head=0, cursor=0)
    await told(stream, b"sync")
    read = log.read_new

    async def broken(*known):
        found = await read(*known)
        if found:
            monkeypatch.undo()
            raise RuntimeError("a bug")
        return found

    monkeypatch.setattr(log, "read_new", broken)
    await sync_to_async(conversation.change)(None, title="New")
    assert b"New" in await told(stream, b"New")
    hub.leave(stream)


async def test_a_hub_whose_part_misses_its_cancel_is_closed_all_the_same(hub):
    """Or a process that is told to leave while it connects would stay."""

    async def busy():
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    hub._tasks.append(asyncio.create_task(busy()))
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await hub.close()
