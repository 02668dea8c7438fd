"""Reads one run for clients of other protocols: every event as it was written."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import AsyncConnection

from streams.postgres.database import connection

from .reading import StoredEvent

# None rolled up: what such a client has been sent is sent again.
RUN_PAGE = """
WITH found AS (
    SELECT *, sum(pg_column_size(data)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING)
              - pg_column_size(data) AS bytes_before, count(*) OVER () AS count
      FROM (SELECT seq, run_id, type, data FROM streams_event
             WHERE conversation_id = %(conversation)s AND run_id = %(run)s AND seq > %(after)s
             ORDER BY seq LIMIT %(limit)s) AS rows
)
SELECT seq, run_id, type, data::text, count = %(limit)s OR count > count(*) OVER ()
  FROM found WHERE bytes_before < %(bytes)s
 ORDER BY seq
"""


async def run_page(
    source: AsyncConnection,
    conversation_id: int,
    after: int,
    limit: int,
    most_bytes: int,
    *,
    run_id: int,
) -> tuple[list[StoredEvent], bool]:
    """Reads the events of a run after `after`, as they were written, within so many rows and bytes;
    returns them and whether more may follow.
    """
    place = {"conversation": conversation_id, "run": run_id, "after": after}
    cursor = await source.execute(RUN_PAGE, place | {"limit": limit, "bytes": most_bytes})
    rows = await cursor.fetchall()
    return [StoredEvent(*row[:4]) for row in rows], bool(rows and rows[0][4])


def last_waiting(conversation_id: int, run_id: int) -> int:
    """Returns the number of the event since which a run waits, through Django's connection."""
    with connection().cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(seq), 0) FROM streams_event"
            " WHERE conversation_id = %s AND run_id = %s AND type = 'run.waiting'",
            [conversation_id, run_id],
        )
        return int(cursor.fetchone()[0])


def waited_for(conversation_id: int, run_id: int, call_ids: Sequence[str]) -> int:
    """Returns the number of the event since which a run waited for the last of these calls, or 0 if
    it did not, through Django's connection."""
    with connection().cursor() as cursor:
        cursor.execute(
            "WITH asked AS (SELECT max(seq) AS seq FROM streams_event WHERE conversation_id = %(c)s"
            " AND run_id = %(r)s AND type = 'tool.waiting' AND data->>'call_id' = ANY(%(ids)s))"
            " SELECT coalesce(min(seq), 0) FROM streams_event WHERE conversation_id = %(c)s"
            " AND run_id = %(r)s AND type = 'run.waiting' AND seq > (SELECT seq FROM asked)",
            {"c": conversation_id, "r": run_id, "ids": list(call_ids)},
        )
        return int(cursor.fetchone()[0])
