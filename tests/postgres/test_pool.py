"""A small pool serves many requests, also when some of them are cancelled while they wait."""

from __future__ import annotations

import asyncio

import pytest

from streams.postgres.connections import pool

pytestmark = pytest.mark.django_db(transaction=True)


async def test_who_is_cancelled_while_giving_a_connection_back_has_given_it_back():
    """As a stream that ends while its past is being read; two of those made a process deaf."""
    one = pool("test", most=1)
    await one.open(wait=True)
    asked = asyncio.Event()

    async def ask():
        async with one.connection() as connection:
            await connection.execute("SELECT 1")
            await one._lock.acquire()  # as many others do who come and go
            asked.set()

    asking = asyncio.create_task(ask())
    await asked.wait()
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    one._lock.release()
    async with one.connection(timeout=5) as connection:
        await connection.execute("SELECT 1")
    await one.close()
