"""Keeps the words of messages for the search: of prompts soon after they were written, of answers
soon after their end, with prompts that were missed; and of what was there before, the newest first,
when nothing else is to be done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ..search_lexemes import lexemes
from .conversation_history import said

logger = logging.getLogger(__name__)

EVERY = 1.0  # seconds between two looks
REST = 0.05  # seconds between two steps
NEAR = 30.0  # seconds back to where each look goes
FAR, FAR_EVERY = 7200.0, 60.0  # and now and then this far, for what was missed
AT_ONCE = 50  # messages a step

# One worker at a time is enough.
TURN = "SELECT pg_try_advisory_xact_lock(hashtext('streams_search'))"

# From the newest that the look before has seen. What came while no worker looked comes with its
# answer.
WRITTEN = """
SELECT m.id, c.owner_id::text, m.blocks, NULL
  FROM streams_message m JOIN streams_conversation c ON c.id = m.conversation_id
 WHERE m.id > %(seen)s AND m.role = 'user'
   AND NOT EXISTS (SELECT FROM streams_searchentry e WHERE e.message_id = m.id)
 ORDER BY m.id LIMIT %(most)s
"""
NEWEST = "SELECT coalesce(max(id), 0) FROM streams_message"

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
SELECT m.id, c.owner_id::text, m.blocks, NULL
  FROM streams_message m JOIN streams_conversation c ON c.id = m.conversation_id
 WHERE m.id < coalesce((SELECT min(message_id) FROM streams_searchentry), 9223372036854775807)
   AND NOT EXISTS (SELECT FROM streams_run r WHERE m.id IN (r.answer_id, r.prompt_id)
                      AND r.conversation_id = m.conversation_id AND r.ended_at IS NULL)
 ORDER BY m.id DESC LIMIT %(most)s
"""

KEEP = """
INSERT INTO streams_searchentry (message_id, words)
SELECT id, array_to_tsvector(words::text[])
  FROM unnest(%(ids)s::bigint[], %(words)b::text[]) AS it(id, words)
 WHERE EXISTS (SELECT FROM streams_message m WHERE m.id = it.id)
ON CONFLICT DO NOTHING
"""


async def keep(pool: AsyncConnectionPool) -> None:
    """Runs for ever; waits while PostgreSQL is away or another worker does it."""
    looked_far = -FAR_EVERY
    look: Look | None = None
    seen = 0
    while True:
        if look is None:
            far = time.monotonic() - looked_far >= FAR_EVERY
            look = Look(FAR if far else NEAR, seen=seen)
        try:
            async with pool.connection() as connection:
                done = await look.step(connection)
        except psycopg.Error as error:
            logger.warning("the search index waits for PostgreSQL: %s", error)
            done = False
        if not done:
            looked_far = time.monotonic() if look.within == FAR else looked_far
            seen, look = look.seen, None
        await asyncio.sleep(REST if done else EVERY)


class Unindexed(NamedTuple):
    """A message whose words are missing; when its run ended, of those that ended lately."""

    id: int
    owner: str
    blocks: list[dict[str, Any]]
    ended_at: datetime | None


@dataclass(slots=True)
class Look:
    """A look for messages whose words are missing: among prompts after the message `seen`, 0
    where none was, then among those of runs that ended in the last `within` seconds, and then among
    all older ones. `since` is the end to which it has come."""

    within: float
    since: datetime | None = None
    seen: int = 0

    async def step(self, connection: AsyncConnection) -> bool:
        """Adds some messages; tells whether there may be more."""
        async with connection.transaction():
            turn = await (await connection.execute(TURN)).fetchone()
            if not turn or not turn[0]:
                return False
            messages = await self._missing(connection)
            if messages:
                await add(connection, messages)
            return bool(messages)

    async def _missing(self, connection: AsyncConnection) -> list[Unindexed]:
        row = await (await connection.execute(NEWEST)).fetchone()
        newest = row[0] if row else 0
        asked = {
            "most": AT_ONCE,
            "within": self.within,
            "since": self.since,
            "seen": self.seen or newest,
        }
        if messages := await found(connection, WRITTEN, asked):
            self.seen = messages[-1].id
            return messages
        self.seen = newest
        if messages := await found(connection, ENDED, asked):
            self.since = messages[-1].ended_at
            return messages
        return await found(connection, BEFORE, asked)


async def found(
    connection: AsyncConnection, query: str, asked: Mapping[str, Any]
) -> list[Unindexed]:
    rows = await (await connection.execute(query, asked)).fetchall()
    return [Unindexed(*row) for row in rows]


async def add(connection: AsyncConnection, messages: Sequence[Unindexed]) -> None:
    """Adds their words; in a thread, since those of long texts take a while."""
    words = await asyncio.to_thread(
        lambda: [array(lexemes(each.owner, said(each.blocks))) for each in messages]
    )
    await connection.execute(KEEP, {"ids": [each.id for each in messages], "words": words})


def array(words: Sequence[str]) -> str:
    """An array's text; words are letters and digits, and need no quotes but for NULL."""
    return "{" + ",".join(f'"{word}"' for word in words) + "}"
