"""Queries through Django's ORM for a run wait for PostgreSQL, and never fail or delay the run
because of others.
"""

from __future__ import annotations

import asyncio
import threading

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError

from streams.agents import tool_threads
from streams.worker import orm_lookup
from streams.worker.orm_lookup import looked_up


@pytest.mark.parametrize("tools", [0, 1])
async def test_a_look_up_waits_for_postgresql_and_for_no_tool(tools, monkeypatch):
    monkeypatch.setitem(
        tool_threads.of_tools.of, asyncio.get_running_loop(), asyncio.Semaphore(tools)
    )
    errors: list[DatabaseError] = [OperationalError("away"), ProgrammingError("no such table")]
    errors += [OperationalError("took too long"), OperationalError("deadlock")]
    errors[0].__cause__ = psycopg.OperationalError()
    errors[1].__cause__ = psycopg.ProgrammingError()
    errors[2].__cause__ = psycopg.errors.QueryCanceled()
    errors[3].__cause__ = psycopg.errors.DeadlockDetected()

    def look(at):
        if errors:
            raise errors.pop(0)
        return at

    async with asyncio.timeout(20):
        with pytest.raises(ProgrammingError):
            await looked_up(look, 0.0, at=7)
        for _ in range(2):
            with pytest.raises(OperationalError):
                await looked_up(look, 0.0, at=7)
        assert await looked_up(look, 0.0, at=7) == 7


async def test_few_look_ups_are_at_work_at_once(monkeypatch):
    monkeypatch.setattr(orm_lookup, "AT_ONCE", 2)
    together = threading.Barrier(2)  # each waits for another, and a third would find it passed
    at_once, most = [], []

    def look():
        at_once.append(1)
        together.wait(60)
        most.append(len(at_once))
        together.wait(60)
        at_once.pop()

    async with asyncio.timeout(60):
        await asyncio.gather(*(looked_up(look, 0.0) for _ in range(6)))
    assert max(most) == 2
