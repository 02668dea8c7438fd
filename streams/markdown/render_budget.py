"""Who formats text when, and for how long: one thing of one person at a time, within a time.

Formatting is work in a process that serves everybody. What a model or its owner makes long
costs that owner's own turn, and never a database connection, which others wait for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connections

from ..exceptions import TooMuchAtOnce

MOST_WAITING = 64  # of one person: tabs that show the same answer, each of which asks
LONGEST_WAIT = 4.0  # seconds: a tab gives up after 5

_ends: ContextVar[float | None] = ContextVar("rendering_ends", default=None)


class OutOfTime(Exception):
    """What is being formatted takes longer than it may."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """For so long, of this thread's own time, may what is inside format text."""
    token = _ends.set(time.thread_time() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


def check_time() -> None:
    """Raises OutOfTime."""
    ends = _ends.get()
    if ends is not None and time.thread_time() > ends:
        raise OutOfTime


def give_connections_back() -> None:
    """As at the end of a request; a pool's next guest need not wait for it."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def charge(seconds: float) -> None:
    """Counts what another process has worked for this."""
    ends = _ends.get()
    if ends is not None:
        _ends.set(ends - seconds)


class Turns:
    """One turn at a time for each person."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._people: dict[int, tuple[threading.Lock, int]] = {}

    @contextmanager
    def turn(self, person: int) -> Iterator[None]:
        """Waits, without a database connection, until nothing else of `person` goes on.

        Raises TooMuchAtOnce where that takes too long or too many wait.
        """
        give_connections_back()
        lock = self._enter(person)
        try:
            if not lock.acquire(timeout=LONGEST_WAIT):
                raise TooMuchAtOnce("Other pages of yours are being made. Try again in a moment.")
            try:
                yield
            finally:
                lock.release()
        finally:
            self._leave(person)

    def _enter(self, person: int) -> threading.Lock:
        with self._guard:
            lock, here = self._people.get(person, (threading.Lock(), 0))
            if here > MOST_WAITING:
                raise TooMuchAtOnce("Other pages of yours are being made. Try again in a moment.")
            self._people[person] = (lock, here + 1)
            return lock

    def _leave(self, person: int) -> None:
        with self._guard:
            lock, here = self._people.pop(person)
            if here > 1:
                self._people[person] = (lock, here - 1)


turn = Turns().turn
