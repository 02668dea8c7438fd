"""The epoch: an id of the database's present life, after which clients must start over.

A restored log hands out numbers a second time for other events. So the epoch changes with the
database (another server or database, a promoted standby), when the events table was made anew
(`pg_restore --clean`), when the write-ahead log went back while a process watched (a restored
snapshot), and by `manage.py restored`.
"""

from __future__ import annotations

import uuid
from typing import NamedTuple

import psycopg
from psycopg import AsyncConnection

from . import database


class Life(NamedTuple):
    """An epoch; `wal` is how far the write-ahead log was flushed, in bytes, or 0 where unknown."""

    epoch: str
    mark: str
    wal: int = 0


# Without a restore the last part is NULL, and leaves no trace.
LIFE = """
SELECT md5(concat_ws('.', (SELECT oid FROM pg_database WHERE datname = current_database()),
                     (SELECT system_identifier FROM pg_control_system()),
                     (SELECT timeline_id FROM pg_control_checkpoint()),
                     nullif(concat_ws('.', nullif(life.mark, ''),
                                      nullif(here.oid, coalesce(life.events, here.oid))), ''))),
       coalesce(life.mark, '')
  FROM (SELECT 'streams_event'::regclass::oid::bigint) AS here(oid)
  LEFT JOIN streams_epoch life ON true
"""

# What is on the disk already outlives a crash, so only another disk can be behind it.
WAL = """
SELECT CASE WHEN pg_is_in_recovery() THEN 0
            ELSE (pg_current_wal_flush_lsn() - '0/0')::bigint END
"""

RENEW = """
INSERT INTO streams_epoch AS life (id, mark, events)
VALUES (1, %(mark)s, 'streams_event'::regclass::oid::bigint)
ON CONFLICT (id) DO UPDATE SET mark = excluded.mark, events = excluded.events
  WHERE life.mark = %(known)s
"""


async def life_of(connection: AsyncConnection) -> Life:
    row = await (await connection.execute(LIFE)).fetchone()
    assert row is not None
    return Life(row[0], row[1], await wal_of(connection))


def here() -> str:
    """The epoch of the app's own database, through Django's connection."""
    with database.connection().cursor() as cursor:
        cursor.execute(LIFE)
        return str(cursor.fetchone()[0])


async def wal_of(connection: AsyncConnection) -> int:
    try:
        row = await (await connection.execute(WAL)).fetchone()
    except psycopg.errors.FeatureNotSupported:  # by some that only speak PostgreSQL
        return 0
    return int(row[0]) if row else 0


async def renew(connection: AsyncConnection, known: Life) -> None:
    """Makes a new epoch, unless another process has just made one."""
    await connection.execute(RENEW, {"mark": uuid.uuid4().hex, "known": known.mark})
