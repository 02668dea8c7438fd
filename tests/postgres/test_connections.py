"""Connections of the pools in event loops: prepared, and not asked how they are at every turn."""

from __future__ import annotations

import pytest

from streams.postgres.connections import connect, pool

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_connection_that_was_ended_a_moment_ago_is_not_given_out():
    worker = pool("worker", most=1)
    await worker.open()
    try:
        async with worker.connection() as connection:
            ended = connection.info.backend_pid
        async with await connect("other") as other:
            await other.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])
        async with worker.connection() as connection:
            cursor = await connection.execute("SELECT pg_backend_pid()")
            assert await cursor.fetchone() != (ended,)
    finally:
        await worker.close()


async def test_a_question_is_planned_once_however_often_it_is_asked():
    worker = pool("worker", most=1)
    await worker.open()
    try:
        for _ in range(3):
            async with worker.connection() as connection:
                await connection.execute("SELECT %s::int", [1])
                cursor = await connection.execute(
                    "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
                    " WHERE statement = 'SELECT $1::int'"
                )
                planned = await cursor.fetchone()
        assert planned == (3, 0)
    finally:
        await worker.close()
