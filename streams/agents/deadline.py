"""A time limit for a site's own code, which holds even if that code catches the cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from ..supervision import was_cancelled

T = TypeVar("T")

GRACE = 2.0  # seconds that it gets to end when it is cancelled

_left: set[asyncio.Task[Any]] = set()  # that have not ended; a loop alone would forget them


class Late(Exception):
    """Raised when the time is over; `stopped` tells whether the work has ended by then."""

    def __init__(self, stopped: bool) -> None:
        super().__init__()
        self.stopped = stopped


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Returns what `work` returns. Raises Late, and what `contained` raises. Work that goes on
    although it was cancelled is left to itself: what it returns is dropped.
    """
    task = begun(work)
    _left.add(task)
    task.add_done_callback(forget)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await ended(task)
        raise
    if not task.done():
        await ended(task)
        if not task.done() or task.cancelled():
            raise Late(stopped=task.done())
    return task.result()


def begun(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Returns a task of work that is contained, and closed if it is cancelled before its start."""
    task = asyncio.create_task(contained(work))
    task.add_done_callback(lambda _: work.close())
    return task


async def contained(work: Awaitable[T]) -> T:
    """Returns what code of the site's own returns, and raises what it raises; as RuntimeError what
    is no Exception and would end the loop, and CancelledError if nobody has cancelled it.
    """
    try:
        return await work
    except asyncio.CancelledError as error:
        if was_cancelled():
            raise
        raise RuntimeError("it cancelled itself") from error
    except (Exception, GeneratorExit):
        raise
    except BaseException as error:  # an exit of the process, or what a library in Rust panics with
        raise RuntimeError(f"it raised {type(error).__name__}") from error


async def ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=GRACE)


def forget(task: asyncio.Task[Any]) -> None:
    _left.discard(task)
    if not task.cancelled():
        task.exception()  # or asyncio says that nobody has looked at it
