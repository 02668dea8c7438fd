"""Keeps the words of messages for the search: of answers that have ended, with their prompts, soon
after; and of what was there before, the newest first, when nothing else is to be done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ..search_words import lexemes
from .model_context import said

logger = logging.getLogger(__name__)

EVERY = 1.0  # seconds between two looks
REST = 0.05  # seconds between two steps
NEAR = 30.0  # seconds back to where each look goes
FAR, FAR_EVERY = 7200.0, 60.0  # and now and then this far, for what was missed
AT_ONCE = 50  # messages a step

# One worker at a time is enough.
TURN = "SELECT pg_try_advisory_xact_lock(hashtext('streams_search'))"

# Those not compacted yet have an index of their own, by their end. A step goes on at the end of the
# last run of the step before: what is behind that has been looked at.
ENDED = """
SELECT m.id, c.owner_id::text, m.blocks, r.ended_at
  FROM streams_run r
  JOIN streams_message m ON m.id IN (r.prompt_id, r.answer_id)
  JOIN streams_conversation c ON c.id = m.conversation_id
 WHERE r.ended_at >= coalesce(%(since)s::timestamptz,
                              statement_timestamp() - make_interval(secs => %(within)s))
   AND r.folded_at IS NULL
   AND NOT EXISTS (SELECT FROM streams_searchentry e WHERE e.message_id = m.id)
 ORDER BY r.ended_at LIMIT %(most)s
"""

# From the oldest that is known downwards: whatever is above has been seen. An answer that is still
# open is left to its end.
BEFORE = """
SELECT m.id, c.owner_id::text, m.blocks
  FROM streams_message m JOIN streams_conversation c ON c.id = m.conversation_id
 WHERE m.id < coalesce((SELECT min(message_id) FROM streams_searchentry), 9223372036854775807)
   AND NOT EXISTS (SELECT FROM streams_run r WHERE m.id IN (r.answer_id, r.prompt_id)
                      AND r.conversation_id = m.conversation_id AND r.ended_at IS NULL)
 ORDER BY m.id DESC LIMIT %(most)s
"""

KEEP = """
INSERT INTO streams_searchentry (message_id, words)
SELECT id, array_to_tsvector(words::text[])
  FROM unnest(%(ids)s::bigint[], %(words)s::text[]) AS it(id, words)
 WHERE EXISTS (SELECT FROM streams_message m WHERE m.id = it.id)
ON CONFLICT DO NOTHING
"""


async def keep(pool: AsyncConnectionPool) -> None:
    """Runs for ever; waits while PostgreSQL is away or another worker does it."""
    looked_far = -FAR_EVERY
    look: Look | None = None
    while True:
        if look is None:
            far = time.monotonic() - looked_far >= FAR_EVERY
            look = Look(FAR if far else NEAR)
        try:
            async with pool.connection() as connection:
                done = await look.step(connection)
        except psycopg.Error as error:
            logger.warning("the search index waits for PostgreSQL: %s", error)
            done = False
        if not done:
            looked_far = time.monotonic() if look.within == FAR else looked_far
            look = None
        await asyncio.sleep(REST if done else EVERY)


@dataclass(slots=True)
class Look:
    """A look for messages whose words are missing, among those of runs that ended in the last
    `within` seconds, and then among all older ones. `since` is the end to which it has come."""

    within: float
    since: datetime | None = None

    async def step(self, connection: AsyncConnection) -> bool:
        """Adds some messages; tells whether there may be more."""
        async with connection.transaction():
            turn = await (await connection.execute(TURN)).fetchone()
            if not turn or not turn[0]:
                return False
            asked = {"most": AT_ONCE, "within": self.within, "since": self.since}
            rows = await (await connection.execute(ENDED, asked)).fetchall()
            if rows:
                self.since = rows[-1][3]
            else:
                rows = await (await connection.execute(BEFORE, asked)).fetchall()
            if rows:
                await add(connection, rows)
            return bool(rows)


async def add(connection: AsyncConnection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Words of long texts take a while, in which answers go on."""
    found = await asyncio.to_thread(lambda: [array(lexemes(row[1], said(row[2]))) for row in rows])
    await connection.execute(KEEP, {"ids": [row[0] for row in rows], "words": found})


def array(words: Sequence[str]) -> str:
    """An array's text; words are letters and digits, and need no quotes but for NULL."""
    return "{" + ",".join(f'"{word}"' for word in words) + "}"
