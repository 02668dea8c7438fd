"""Queries that arrive together are sent as one statement."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import psycopg
import pytest

from streams.postgres import grouped_statement
from streams.postgres.grouped_statement import GroupedStatement


@pytest.fixture(autouse=True)
def connection(monkeypatch):
    """One that nothing is sent on."""

    async def close():
        pass

    async def connect(role, **settings):
        return SimpleNamespace(closed=False, close=close)

    monkeypatch.setattr(grouped_statement, "connect", connect)
    monkeypatch.setattr(grouped_statement, "is_quiet", lambda connection: True)


async def test_a_busy_loop_asks_for_all_whose_turn_comes_meanwhile_and_no_more_than_fit():
    groups = []

    async def act(connection, asked):
        groups.append([*asked])
        return [number * 2 for number in asked]

    statement = GroupedStatement("asking", act, most=8)

    async def come(number):
        for _ in range(number):  # one in each turn of the loop
            await asyncio.sleep(0)
        return await statement.ask(number)

    assert await asyncio.gather(*map(come, range(10))) == [n * 2 for n in range(10)]
    assert groups == [[*range(8)], [8, 9]]
    assert await statement.ask(21) == 42  # nobody else comes
    assert groups[2:] == [[21]]
    await statement.close()


async def test_a_group_of_which_all_have_gone_fails_nobody():
    began, goes_on = asyncio.Event(), asyncio.Event()

    async def act(connection, asked):
        assert asked
        began.set()
        await goes_on.wait()
        return [*asked]

    statement = GroupedStatement("asking", act, most=1)
    asking = [asyncio.create_task(statement.ask(number)) for number in range(3)]
    await began.wait()
    asking[1].cancel()
    goes_on.set()
    answers = await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), 10)
    assert answers[::2] == [0, 2]
    await statement.close()


async def test_who_asks_when_it_is_closed_is_told_so():
    async def act(connection, asked):
        return [*asked]

    statement = GroupedStatement("asking", act, most=8)
    asked = asyncio.create_task(statement.ask(1))
    await asyncio.sleep(0)  # it waits, and what answers has not begun
    await statement.close()
    for late in (asked, statement.ask(2)):
        with pytest.raises(psycopg.OperationalError, match="asking: this process is leaving"):
            await asyncio.wait_for(late, 10)


async def test_keys_are_asked_for_once_and_say_who_waits_for_whom():
    groups, named = [], []

    async def act(connection, asked):
        groups.append([*asked])
        return [*asked]

    def keys(question):
        named.append(question)
        return question[:1]

    statement = GroupedStatement("asking", act, most=2, keys=keys)
    questions = ["a1", "a2", "b1", "c1", "a3"]
    assert await asyncio.gather(*map(statement.ask, questions)) == questions
    assert groups == [["a1", "b1"], ["a2", "c1"], ["a3"]]
    assert named == questions
    await statement.close()
