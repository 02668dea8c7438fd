"""What an error was raised from."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import islice


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from. Each once: one raised again from itself is its own
    cause, and a loop over that would stop every answer of the process."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def causes(error: BaseException) -> Iterator[str]:
    """What an error was raised from, each by its class and its number, if it has one."""
    for cause in islice(chain(error), 1, None):
        number = errno.errorcode.get(getattr(cause, "errno", None) or 0, "")
        yield f"{type(cause).__name__} {number}".rstrip()
