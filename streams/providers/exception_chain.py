"""Follows an exception to the ones it was raised from."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import islice


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yields the error and its causes, each once. An error raised again from itself is its own
    cause, and following that for ever would stop every answer of the process.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def causes(error: BaseException) -> Iterator[str]:
    """Names the causes of an error by class and number, if they have one."""
    for cause in islice(chain(error), 1, None):
        number = errno.errorcode.get(getattr(cause, "errno", None) or 0, "")
        yield f"{type(cause).__name__} {number}".rstrip()
