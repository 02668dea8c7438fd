"""What a run needs of Django's ORM: a run neither fails nor waits for other people's reasons."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError

from streams.agents import tool_threads
from streams.worker.lookup import looked_up


@pytest.mark.parametrize("tools", [0, 1])
async def test_a_look_up_waits_for_postgresql_and_for_no_tool(tools, monkeypatch):
    monkeypatch.setitem(tool_threads._places, asyncio.get_running_loop(), asyncio.Semaphore(tools))
    errors: list[DatabaseError] = [OperationalError("away"), ProgrammingError("no such table")]
    errors[0].__cause__ = psycopg.OperationalError()
    errors[1].__cause__ = psycopg.ProgrammingError()

    def look(at):
        if errors:
            raise errors.pop(0)
        return at

    async with asyncio.timeout(20):
        with pytest.raises(ProgrammingError):
            await looked_up(look, 0.0, at=7)
        assert await looked_up(look, 0.0, at=7) == 7
