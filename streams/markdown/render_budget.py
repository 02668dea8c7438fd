"""Limits rendering: one render per person at a time, each within a CPU time.

Rendering runs in a process that serves everybody. A costly text uses up its owner's own turn, and
never a database connection that others wait for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connections
from django.utils.translation import gettext

from ..exceptions import TooMuchAtOnce

MOST_WAITING = 64  # of one person: tabs that show the same answer, each of which asks
LONGEST_WAIT = 4.0  # seconds: a tab gives up after 5

_ends: ContextVar[float | None] = ContextVar("rendering_ends", default=None)


class OutOfTime(Exception):
    """Raised when rendering takes longer than its limit."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Limits the rendering inside the `with` block to so many seconds of this thread's CPU time."""
    token = _ends.set(time.thread_time() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


def check_time() -> None:
    """Raises OutOfTime once the limit has passed."""
    ends = _ends.get()
    if ends is not None and time.thread_time() > ends:
        raise OutOfTime


def give_connections_back() -> None:
    """Returns this thread's database connections to the pool, as the end of a request does."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def charge(seconds: float) -> None:
    """Counts CPU seconds that another process has spent against the limit."""
    ends = _ends.get()
    if ends is not None:
        _ends.set(ends - seconds)


class Turns:
    """Lets each person render one thing at a time."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._people: dict[Hashable, tuple[threading.Lock, int]] = {}

    @contextmanager
    def turn(self, person: Hashable) -> Iterator[None]:
        """Waits, holding no database connection, until no other render of `person` is running.

        Raises TooMuchAtOnce after `LONGEST_WAIT` seconds, or at once if too many wait.
        """
        give_connections_back()
        lock = self._enter(person)
        try:
            if not lock.acquire(timeout=LONGEST_WAIT):
                raise TooMuchAtOnce(
                    gettext("Other pages of yours are being made. Try again in a moment.")
                )
            try:
                yield
            finally:
                lock.release()
        finally:
            self._leave(person)

    def _enter(self, person: Hashable) -> threading.Lock:
        with self._guard:
            lock, here = self._people.get(person, (threading.Lock(), 0))
            if here > MOST_WAITING:
                raise TooMuchAtOnce(
                    gettext("Other pages of yours are being made. Try again in a moment.")
                )
            self._people[person] = (lock, here + 1)
            return lock

    def _leave(self, person: Hashable) -> None:
        with self._guard:
            lock, here = self._people.pop(person)
            if here > 1:
                self._people[person] = (lock, here - 1)


turn = Turns().turn
