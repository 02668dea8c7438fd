"""Parts of a process that are told to leave."""

from __future__ import annotations

import asyncio

from streams.supervision import SupervisedTasks


async def test_a_task_that_misses_its_cancel_is_told_again():
    """As `wait_for` does on Python 3.11 when its answer comes in the same turn of the loop."""
    missed = asyncio.Event()

    async def busy():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            missed.set()
        await asyncio.sleep(60)

    tasks = SupervisedTasks(lambda: None)
    tasks.start(busy())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await tasks.close()
    assert missed.is_set()
    assert not tasks.running
