"""Tasks of a process that are told to stop."""

from __future__ import annotations

import asyncio

import pytest

from streams.supervision import SupervisedTasks, cancel_and_wait, restarted


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


async def test_a_task_that_ends_as_cancelled_while_nobody_closes_is_broken():
    broke = asyncio.Event()
    tasks = SupervisedTasks(broke.set)
    tasks.start(cancels_itself())
    staying = tasks.start(asyncio.sleep(60))
    async with asyncio.timeout(5):
        await broke.wait()
        assert tasks.running == {staying}
        with pytest.raises(RuntimeError, match="cancelled itself"):
            raise tasks.error
        broke.clear()
        await tasks.close()
    assert not broke.is_set()


async def test_a_part_that_cancels_itself_is_restarted(caplog):
    again = asyncio.create_task(restarted(cancels_itself))
    async with asyncio.timeout(5):
        while "cancelled itself" not in caplog.text:
            await asyncio.sleep(0)
        assert not again.done()
        await cancel_and_wait([again])
    assert again.cancelled()


async def cancels_itself():
    raise asyncio.CancelledError
