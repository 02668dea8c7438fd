"""As many listening connections as so many web processes have, which only take what comes."""

from __future__ import annotations

import asyncio
import os
import sys

import psycopg

from tests.benchmarks.parent_death import leash


async def listen() -> None:
    connection = await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True)
    await connection.execute("LISTEN streams_log")
    async for _ in connection.notifies():
        pass


async def serve(count: int) -> None:
    listening = [asyncio.create_task(listen()) for _ in range(count)]
    await asyncio.sleep(1)
    print("on", count, flush=True)
    await asyncio.gather(*listening)


if __name__ == "__main__":
    leash()
    asyncio.run(serve(int(sys.argv[1])))
