"""LISTEN that is lost, or lives and hears nothing, is noticed and repaired."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from streams.postgres.connections import connect, pool
from streams.postgres.listener import Listener

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def heard(monkeypatch):
    monkeypatch.setattr("streams.postgres.listener.ANSWER_WITHIN", 0.3)
    return asyncio.Queue()


@pytest.fixture
async def listener(heard):
    one = Listener("hub", ("streams_test",), lambda channel, what: heard.put_nowait(what), int)
    questions = pool("test", most=1)
    await questions.open()
    rooms = [asyncio.create_task(one.run()), asyncio.create_task(one.keep_checked(questions, 0.2))]
    yield one
    for room in rooms:
        room.cancel()
    await asyncio.gather(*rooms, return_exceptions=True)
    await questions.close()


async def until(check):
    async with asyncio.timeout(10):
        while not check():
            await asyncio.sleep(0.01)


async def say(what):
    async with await connect("test") as connection:
        await connection.execute("SELECT pg_notify('streams_test', %s)", [what])


async def test_it_is_deaf_until_it_has_heard_itself(listener, heard):
    assert listener.deaf
    await until(lambda: not listener.deaf)
    await say("one")
    assert await asyncio.wait_for(heard.get(), 5) == "one"


async def test_a_connection_that_was_cut_comes_back(listener, heard):
    await until(lambda: not listener.deaf)
    first = listener._connection
    async with await connect("test") as killer:
        await killer.execute("SELECT pg_terminate_backend(%s)", [first.info.backend_pid])
    await until(lambda: listener._connection not in (None, first) and not listener.deaf)
    await say("two")
    assert await asyncio.wait_for(heard.get(), 5) == "two"


async def test_a_connection_that_has_died_in_silence_is_replaced(listener, heard):
    """Its file descriptor becomes a socket nobody writes to, as behind a dead router."""
    await until(lambda: not listener.deaf)
    first = listener._connection
    silent, other = socket.socketpair()
    os.dup2(silent.fileno(), first.fileno())
    await until(lambda: listener._connection not in (None, first) and not listener.deaf)
    await say("three")
    assert await asyncio.wait_for(heard.get(), 5) == "three"
    silent.close()
    other.close()


async def test_behind_a_pool_nothing_listens_and_nothing_is_said(
    monkeypatch, heard, caplog, settings
):
    """What a pooled session is told, its next guest would hear."""
    settings.STREAMS = settings.STREAMS | {"pooler": True}
    asked = []
    monkeypatch.setattr("streams.postgres.listener.connect", asked.append)
    one = Listener("hub", ("streams_test",), lambda *_: None, int)
    questions = pool("test", most=1)
    rooms = [asyncio.create_task(one.run()), asyncio.create_task(one.keep_checked(questions, 0.01))]
    await asyncio.sleep(0.3)
    assert not any(room.done() for room in rooms), "or it would be begun again at once"
    for room in rooms:
        room.cancel()
    assert (asked, caplog.records, one.deaf) == ([], [], True)
