"""Reports whether answers are being written: workers are alive and the queue moves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from .conf import conf
from .postgres.database import connection

logger = logging.getLogger(__name__)

LOOK_EVERY = 30.0  # seconds
LATE = 30.0  # seconds a prompt waits before somebody should look

ALIVE = """w.stopped_at IS NULL
 AND w.beat_at > clock_timestamp() - make_interval(secs => %(lease)s)"""

# A prompt behind another answer of its own conversation is a queue, not a fault; one of a
# conversation that was set aside is told of elsewhere.
WAITS = """r.status = 'queued'
 AND r.queued_at < clock_timestamp() - make_interval(secs => %(late)s)
 AND NOT EXISTS (SELECT FROM streams_run b
                  WHERE b.conversation_id = r.conversation_id
                    AND b.status IN ('running', 'waiting'))
 AND NOT EXISTS (SELECT FROM streams_fault f WHERE f.conversation_id = r.conversation_id)"""

LOOK = f"""
SELECT (SELECT count(*) FROM streams_worker w WHERE {ALIVE}),
       (SELECT coalesce(sum(w.concurrency), 0) FROM streams_worker w
         WHERE {ALIVE} AND NOT w.draining),
       (SELECT count(*) FROM streams_run r WHERE r.status = 'running'),
       waiting.count, waiting.longest
  FROM (SELECT count(*),
               extract(epoch FROM clock_timestamp() - min(r.queued_at))::float AS longest
          FROM streams_run r WHERE {WAITS}) AS waiting
"""

NOBODY = "No worker is alive, so nothing is answered: start `manage.py runworker`."
ALL_BUSY = (
    "{waiting} prompts wait for a worker, the oldest for {longest:.0f} s, since all {room} places "
    "are taken: start another `manage.py runworker`, or raise --concurrency."
)
STUCK = (
    "{waiting} prompts wait, the oldest for {longest:.0f} s, although workers have room: "
    "see their logs, and Runs, Stuck in the admin."
)


def worries(workers: int, room: int, running: int, waiting: int, longest: float) -> dict[str, str]:
    """Returns a word and a sentence for each problem in a row of `LOOK`."""
    if not workers:
        return {"no worker": NOBODY}
    if waiting:
        known = {"waiting": waiting, "longest": longest, "room": room}
        word, why = ("workers full", ALL_BUSY) if running >= room else ("queue stuck", STUCK)
        return {word: why.format(**known)}
    return {}


def look() -> dict[str, str]:
    with connection().cursor() as cursor:
        cursor.execute(LOOK, known())
        return worries(*cursor.fetchone())


def known() -> dict[str, Any]:
    return {"lease": conf().lease, "late": LATE}


async def watch(pool: AsyncConnectionPool) -> None:
    """Logs each problem when it begins and when it is over."""
    told: Mapping[str, str] = {}
    while True:
        await asyncio.sleep(LOOK_EVERY)
        try:
            async with pool.connection() as asking:
                row = await (await asking.execute(LOOK, known())).fetchone()
        except psycopg.Error:
            continue  # those who read and write say so
        assert row is not None
        found = worries(*row)
        for word in found.keys() - told.keys():
            logger.error(found[word])
        if told and not found:
            logger.info("Prompts are answered again.")
        told = found
