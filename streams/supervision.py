"""Supervises the tasks of a process and what happens when one breaks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

logger = logging.getLogger(__name__)


class SupervisedTasks:
    """Runs coroutines side by side; calls `broke` when one raises, or ends as cancelled although
    nobody cancelled it, and keeps that error in `error`.

    A process that lacks one of its parts must not go on as if it were whole.
    """

    def __init__(self, broke: Callable[[], None]) -> None:
        self.error: BaseException | None = None
        self._broke = broke
        self.running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self.running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self, but: asyncio.Task[None] | None = None) -> None:
        """Cancels the remaining tasks, all `but` one, and waits for their end."""
        await cancel_and_wait(self.running - {but})

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        error: BaseException | None
        if task.cancelled():
            error = None if task.cancelling() else RuntimeError(f"{task} cancelled itself")
        else:
            error = task.exception()
        if error:
            logger.critical("a part of this process broke", exc_info=error)
            self.error = error
            self._broke()


async def cancel_and_wait(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until all of them have ended, whatever they end with."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        # Asked again: until 3.12 a wait_for that has just got its answer forgets a cancel.
        _, left = await asyncio.wait(left, timeout=1)


async def restarted(task: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Restarts a task that broke through a bug; without it streams would be silent and still send
    pings.
    """
    while True:
        try:
            await task()
        except asyncio.CancelledError:
            if was_cancelled():
                raise
            logger.exception("%s cancelled itself", task)
            await asyncio.sleep(1)
        except Exception:
            logger.exception("%s broke", task)
            await asyncio.sleep(1)


def was_cancelled() -> bool:
    """Tells whether somebody asked for the end of the task that this runs in."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def finished_before(event: asyncio.Event, work: Coroutine[Any, Any, Any]) -> bool:
    """Tells whether `work` finished before `event` was set; otherwise cancels it. Raises what it
    raised.
    """
    working, coming = asyncio.create_task(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait({working, coming}, return_when=asyncio.FIRST_COMPLETED)
        if done := working.done():
            working.result()
        return done
    finally:
        working.cancel()
        coming.cancel()
