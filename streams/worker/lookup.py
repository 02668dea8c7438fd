"""Asks Django's ORM for what a run needs, in a thread, until PostgreSQL answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import psycopg
from django.db import DatabaseError

from ..agents.tool_threads import apart_at_once
from ..postgres.connections import is_away

logger = logging.getLogger(__name__)

T = TypeVar("T")


async def looked_up(function: Callable[..., T], every: float, **arguments: Any) -> T:
    """Returns what `function` does. While PostgreSQL is away it is called again, `every` so many
    seconds: a run must not fail for that. Raises whatever else it raises.
    """
    while True:
        try:
            return await apart_at_once(partial(function, **arguments))
        except DatabaseError as error:
            cause = error.__cause__
            if not (isinstance(cause, psycopg.Error) and is_away(cause)):
                raise
            logger.warning("a look-up waits for PostgreSQL: %s", error)
            await asyncio.sleep(every)
