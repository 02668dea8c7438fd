"""Questions that arrive together are one statement."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

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
