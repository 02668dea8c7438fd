"""Reads events: the new rows of many conversations, and the compacted past of one."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import psycopg
from psycopg import AsyncConnection

from streams.log.run_events import OneRun
from streams.log.transcript import Row
from streams.postgres.connections import blames_rows
from streams.postgres.database import connection

logger = logging.getLogger(__name__)

ALL = 2**62


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


# Consecutive deltas of one block become one. An island begins at every other event and at
# every other block: a delta that spanned another block's would claim numbers not its own,
# and a client would take its part for the whole.
# A page ends with the row that fills its bytes, as stored: prompts may be long.
COMPACTED = """
WITH found AS (
    SELECT *, sum(pg_column_size(data)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING)
              - pg_column_size(data) AS bytes_before
      FROM (SELECT seq, run_id, type, data FROM streams_event
             WHERE conversation_id = %(conversation)s AND seq > %(after)s {only}
             ORDER BY seq LIMIT %(limit)s) AS rows
), page AS (
    SELECT seq, run_id, type, data, CASE WHEN type = 'block.delta' THEN data->>'index' END AS block
      FROM found WHERE bytes_before < %(bytes)s
), edged AS (
    SELECT *, block IS NULL OR block IS DISTINCT FROM lag(block) OVER by_seq
              OR run_id IS DISTINCT FROM lag(run_id) OVER by_seq AS edge
      FROM page WINDOW by_seq AS (ORDER BY seq)
), marked AS (
    SELECT *, count(*) FILTER (WHERE edge) OVER (ORDER BY seq) AS island FROM edged
)
SELECT max(seq) AS seq, run_id, type,
       CASE WHEN count(*) = 1 THEN min(data::text)
       ELSE jsonb_build_object(
            'run', min(data->>'run'), 'index', block::int,
            'from', min(coalesce((data->>'from')::bigint, seq)),
            'text', string_agg(data->>'text', '' ORDER BY seq))::text
       END AS data,
       (SELECT count(*) FROM found) = %(limit)s
        OR (SELECT count(*) FROM found) > (SELECT count(*) FROM page) AS more
  FROM marked
 GROUP BY island, type, run_id, block
 ORDER BY max(seq)
"""
CATCH_UP = COMPACTED.format(only="")
RUN_ROWS = COMPACTED.format(only="AND run_id = %(run)s")
SHOWN_ROWS = COMPACTED.format(
    only="AND (run_id = %(run)s OR type = 'run.steered' AND data->>'run' = %(uuid)s)"
)


async def catch_up(
    source: AsyncConnection, conversation_id: int, after: int, limit: int, most_bytes: int = ALL
) -> tuple[list[StoredEvent], bool]:
    """Reads a compacted page after `after`; returns its rows and whether more may follow.

    `limit` and `most_bytes` bound the stored rows and bytes that go into the page.
    """
    cursor = await source.execute(
        CATCH_UP,
        {"conversation": conversation_id, "after": after, "limit": limit, "bytes": most_bytes},
    )
    rows = await cursor.fetchall()
    return [StoredEvent(*row[:4]) for row in rows], bool(rows and rows[0][4])


def rows_after(conversation_id: int, after: int = 0) -> list[Row]:
    """Reads a conversation's compacted log after `after` through Django's connection."""
    with connection().cursor() as cursor:
        cursor.execute(
            CATCH_UP,
            {"conversation": conversation_id, "after": after, "limit": ALL, "bytes": ALL},
        )
        return [Row(seq, type, orjson.loads(data)) for seq, _, type, data, _ in cursor.fetchall()]


def run_rows(conversation_id: int, run_id: int, after: int = 0) -> list[Row]:
    """Reads the compacted events of one run after `after` through Django's connection."""
    with connection().cursor() as cursor:
        cursor.execute(RUN_ROWS, whole(conversation_id, run_id, after))
        return [Row(seq, type, orjson.loads(data)) for seq, _, type, data, _ in cursor.fetchall()]


def shown_rows(conversation_id: int, run: OneRun) -> list[Row]:
    """Reads what the stream of one run shows, through Django's connection."""
    with connection().cursor() as cursor:
        cursor.execute(SHOWN_ROWS, whole(conversation_id, run.id) | {"uuid": run.uuid})
        return [Row(seq, type, orjson.loads(data)) for seq, _, type, data, _ in cursor.fetchall()]


async def run_rows_from(source: AsyncConnection, conversation_id: int, run_id: int) -> list[Row]:
    """Reads the compacted events of one run through an asynchronous connection."""
    cursor = await source.execute(RUN_ROWS, whole(conversation_id, run_id))
    found = await cursor.fetchall()
    return [Row(seq, type, orjson.loads(data)) for seq, _, type, data, _ in found]


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
