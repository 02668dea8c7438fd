"""Threads for the plain functions of tools, which give their database connections back."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from functools import partial
from threading import Thread
from typing import Any, TypeVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import connections

from ..conf import conf

T = TypeVar("T")

# Set where everything stays in the thread that called, and so in its transaction, as in tests.
in_place: contextvars.ContextVar[bool] = contextvars.ContextVar("in_place", default=False)


class Places:
    """Bounds how many threads of one kind there are at once in an event loop."""

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self.of: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}

    def here(self) -> asyncio.Semaphore:
        for closed in [each for each in self.of if each.is_closed()]:
            del self.of[closed]
        return self.of.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._most()))


of_tools = Places(lambda: conf().tool_threads)


async def apart(function: Callable[..., T], **arguments: Any) -> T:
    """Calls a tool's function in a thread of its own, and returns what it returns.

    Cancelling stops the waiting alone: the thread goes on, keeps its place among `tool_threads`,
    and what it returns is dropped. It holds up no process that exits.
    """
    return await apart_among(of_tools, partial(function, **arguments))


async def apart_among(places: Places, function: Callable[[], T]) -> T:
    """Calls a function as `apart`, limited by `places` and not by `tool_threads`, so that tools
    that never end cannot hold it up.
    """
    if in_place.get():
        return await sync_to_async(function)()
    place = places.here()
    await place.acquire()
    return await apart_at_once(function, ended=place.release)


def nothing_more() -> None:
    """Does nothing once a thread has ended."""


async def apart_at_once(function: Callable[[], T], ended: Callable[[], None] = nothing_more) -> T:
    """Calls a function as `apart`, without a limit: callers limit themselves. `ended` is called
    once it has ended.
    """
    if in_place.get():
        return await sync_to_async(function)()
    loop = asyncio.get_running_loop()
    returned: asyncio.Future[T] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        ended()
        if not returned.done():
            returned.set_exception(error) if error else returned.set_result(result)

    def work() -> None:
        result, error = None, None
        try:
            result = context.run(function)
        except BaseException as raised:
            error = RuntimeError("StopIteration") if is_stop(raised) else raised
        finally:
            connections.close_all()
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:  # the loop is closed: nobody waits
            return

    context = contextvars.copy_context()
    try:
        Thread(target=work, name="tool", daemon=True).start()
    except BaseException:
        ended()
        raise
    return await returned


def is_stop(error: BaseException) -> bool:
    """Tells whether an exception is one that no future may carry."""
    return isinstance(error, StopIteration)


async def with_own_connections(work: Awaitable[T]) -> T:
    """Awaits `work` with a thread of its own for what it asks Django's asynchronous ORM, or the
    queries of all tools would wait for each other. The thread closes its connections and ends
    behind it, and nobody waits for that: it may be in the middle of a query.
    """
    if in_place.get():
        return await work
    own = ThreadSensitiveContext()
    token = SyncToAsync.thread_sensitive_context.set(own)
    try:
        return await work
    finally:
        SyncToAsync.thread_sensitive_context.reset(token)
        if executor := SyncToAsync.context_to_thread_executor.pop(own, None):
            executor.submit(connections.close_all)
            executor.shutdown(wait=False)
