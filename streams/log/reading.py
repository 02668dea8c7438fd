"""Reads events: the new rows of many conversations, and the compacted past of one."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import psycopg
from psycopg import AsyncConnection

from streams.log import compacted_page
from streams.log.compacted_page import ALL, PageStatement
from streams.log.run_events import OneRun
from streams.log.transcript import Row
from streams.postgres.connections import blames_rows
from streams.postgres.database import connection

logger = logging.getLogger(__name__)


class StoredEvent(NamedTuple):
    """An event as a stream sends it; `data` is PostgreSQL's own JSON text and is never parsed."""

    seq: int
    run_id: int | None
    type: str
    data: str


# Reads a page of a conversation after a number, within so many rows and bytes, and tells whether
# more may follow.
Page = Callable[[AsyncConnection, int, int, int, int], Awaitable[tuple[list[StoredEvent], bool]]]

# A hole in the numbers means compacted, never late, so the next row is simply the next.
READ_NEW = """
SELECT w.conversation_id, e.seq, e.run_id, e.type, e.data::text
  FROM unnest(%(conversations)b::bigint[], %(cursors)b::bigint[]) AS w(conversation_id, after)
  JOIN LATERAL (
       SELECT seq, run_id, type, data FROM streams_event e
        WHERE e.conversation_id = w.conversation_id AND e.seq > w.after
        ORDER BY e.seq LIMIT %(limit)s
  ) AS e ON true
"""


async def read_new(
    source: AsyncConnection, cursors: Mapping[int, int], limit: int
) -> dict[int, list[StoredEvent]]:
    """Reads up to `limit` rows after each conversation's cursor, ordered by number, in one query.

    A conversation whose rows cannot be read is logged and left out; the others are still returned.
    """
    try:
        return await read_together(source, cursors, limit)
    except psycopg.Error as error:
        if not blames_rows(error):
            raise
        if len(cursors) == 1:
            logger.error("conversation %s cannot be read: %s", *cursors, type(error).__name__)
            return {}
    found: dict[int, list[StoredEvent]] = {}
    for conversation_id, after in cursors.items():
        found |= await read_new(source, {conversation_id: after}, limit)
    return found


async def read_together(
    source: AsyncConnection, cursors: Mapping[int, int], limit: int
) -> dict[int, list[StoredEvent]]:
    cursor = await source.execute(
        READ_NEW,
        {"conversations": list(cursors), "cursors": list(cursors.values()), "limit": limit},
    )
    found: dict[int, list[StoredEvent]] = {}
    for conversation_id, *rest in await cursor.fetchall():
        found.setdefault(conversation_id, []).append(StoredEvent(*rest))
    return found


async def catch_up(
    source: AsyncConnection, conversation_id: int, after: int, limit: int, most_bytes: int = ALL
) -> tuple[list[StoredEvent], bool]:
    """Reads a compacted page after `after`; returns its rows and whether more may follow.

    `limit` and `most_bytes` bound the stored rows and bytes that go into the page.
    """
    known = {"conversation": conversation_id, "after": after, "limit": limit, "bytes": most_bytes}
    rows, more = await page_from(source, compacted_page.EVERY, known)
    return [StoredEvent(*row) for row in rows], more


async def page_from(
    source: AsyncConnection, statement: PageStatement, known: Mapping[str, Any]
) -> compacted_page.Page:
    rows = await (await source.execute(statement.quick, known)).fetchall()
    if found := compacted_page.page(rows, known["limit"], known["bytes"]):
        return found
    rows = await (await source.execute(statement.exact, known)).fetchall()
    return compacted_page.exact_page(rows)


def rows_after(conversation_id: int, after: int = 0) -> list[Row]:
    """Reads a conversation's compacted log after `after` through Django's connection."""
    known = {"conversation": conversation_id, "after": after, "limit": ALL, "bytes": ALL}
    return parsed(compacted_page.EVERY, known)


def run_rows(conversation_id: int, run_id: int, after: int = 0) -> list[Row]:
    """Reads the compacted events of one run after `after` through Django's connection."""
    return parsed(compacted_page.OF_RUN, whole(conversation_id, run_id, after))


def shown_rows(conversation_id: int, run: OneRun) -> list[Row]:
    """Reads what the stream of one run shows, through Django's connection."""
    known = whole(conversation_id, run.id) | {"uuid": run.uuid}
    return parsed(compacted_page.SHOWN_OF_RUN, known)


def parsed(statement: PageStatement, known: Mapping[str, Any]) -> list[Row]:
    with connection().cursor() as cursor:
        cursor.execute(statement.quick, known)
        found = compacted_page.page(cursor.fetchall(), known["limit"], known["bytes"])
        if found is None:
            cursor.execute(statement.exact, known)
            found = compacted_page.exact_page(cursor.fetchall())
    return [Row(seq, type, orjson.loads(data)) for seq, _, type, data in found[0]]


async def run_rows_from(source: AsyncConnection, conversation_id: int, run_id: int) -> list[Row]:
    """Reads the compacted events of one run through an asynchronous connection."""
    known = whole(conversation_id, run_id)
    rows, _ = await page_from(source, compacted_page.OF_RUN, known)
    return [Row(seq, type, orjson.loads(data)) for seq, _, type, data in rows]


def whole(conversation_id: int, run_id: int, after: int = 0) -> dict[str, int]:
    known = {"conversation": conversation_id, "run": run_id, "after": after}
    return {**known, "limit": ALL, "bytes": ALL}


# The number of a run's terminal event, as a column of a query that knows the run as `r`.
TERMINAL_SEQ = """(SELECT seq FROM streams_event e
  WHERE e.conversation_id = r.conversation_id AND e.run_id = r.id
    AND e.type IN ('run.completed', 'run.failed', 'run.cancelled'))"""

# The same, also where the run has joined another one; no index knows that event.
LAST_SEQ = f"""coalesce({TERMINAL_SEQ}, CASE WHEN r.status = 'steered' THEN
  (SELECT max(e.seq) FROM streams_event e JOIN streams_message answer ON answer.id = r.answer_id
    WHERE e.conversation_id = r.conversation_id AND e.seq > answer.seq AND e.run_id = r.id
      AND e.type = 'run.steered') END)"""


# Whether a conversation has ever had a title, as a condition of a query that knows it as `c`.
WAS_NAMED = """EXISTS (SELECT FROM streams_event e
  WHERE e.conversation_id = c.id AND e.type = 'conversation.updated'
    AND jsonb_exists(e.data, 'title'))"""


# The device of a message as its own event names it, which is how it was called then: a
# column of a query over streams_message.
DEVICE_THEN = """(SELECT data->'device' FROM streams_event e
  WHERE e.conversation_id = streams_message.conversation_id AND e.seq = streams_message.seq)"""


class Moment(NamedTuple):
    """A point of a run's timeline: time, number, event, and the count of deltas it stands for."""

    at: datetime
    seq: int
    type: str
    data: Mapping[str, Any]
    deltas: int


def timeline(conversation_id: int, run_id: int, bucket_seconds: float = 1.0) -> list[Moment]:
    """Builds a run's timeline for the admin: lifecycle events singly, deltas counted per bucket."""
    with connection().cursor() as cursor:
        cursor.execute(
            """
            SELECT min(created_at), max(seq), type,
                   CASE WHEN type = 'block.delta' THEN NULL ELSE min(data::text) END, count(*)
              FROM streams_event
             WHERE conversation_id = %s
               AND (run_id = %s OR type = 'run.steered' AND data->>'run' =
                    (SELECT uuid::text FROM streams_run WHERE id = %s))
             GROUP BY type, CASE WHEN type = 'block.delta'
                                 THEN -floor(extract(epoch FROM created_at) / %s) ELSE seq END
             ORDER BY max(seq)
            """,
            [conversation_id, run_id, run_id, bucket_seconds],
        )
        return [
            Moment(at, seq, type, orjson.loads(data or "{}"), count)
            for at, seq, type, data, count in cursor.fetchall()
        ]
