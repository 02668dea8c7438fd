"""Asks Django's ORM for what a run needs, in a thread, until PostgreSQL answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import psycopg
from django.db import DatabaseError

from ..agents.tool_threads import Places, apart_among
from ..postgres.connections import is_away

logger = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE = 4  # threads, each with a connection while it looks
places = Places(lambda: AT_ONCE)

# Statements that took too long, and transactions that had to give way, as in a deadlock: of the
# same class as those of a PostgreSQL that is away.
NOT_AWAY = ("57014", "40")


async def looked_up(function: Callable[..., T], every: float, **arguments: Any) -> T:
    """Returns what `function` does. While PostgreSQL is away it is called again, `every` so many
    seconds: a run must not fail for that. Raises whatever else it raises.
    """
    while True:
        try:
            return await apart_among(places, partial(function, **arguments))
        except DatabaseError as error:
            cause = error.__cause__
            if not (isinstance(cause, psycopg.Error) and is_away(cause)):
                raise
            if (cause.sqlstate or "").startswith(NOT_AWAY):
                raise
            logger.warning("a look-up waits for PostgreSQL: %s", error)
            await asyncio.sleep(every)
