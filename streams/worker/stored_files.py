"""Deletes files that were attached and never sent, and stored files that nobody has any more."""

from __future__ import annotations

import asyncio
import logging

from psycopg import AsyncConnection

from ..attachments import storage

logger = logging.getLogger(__name__)

AT_ONCE = 50
AGAIN = 300.0  # seconds until a file is tried again that could not be deleted

# A row that is locked belongs to a file being sent at this moment: the next round judges it.
UNSENT = """
DELETE FROM streams_attachment WHERE id IN (
    SELECT id FROM streams_attachment
     WHERE conversation_id IS NULL
       AND created_at < statement_timestamp() - make_interval(secs => %(kept)s)
     ORDER BY created_at LIMIT %(most)s
       FOR UPDATE SKIP LOCKED)
"""

# An attachment that has the file all the same, as after a restored backup, keeps it.
DUE = """
SELECT d.place, EXISTS (SELECT FROM streams_attachment a WHERE a.place = d.place)
  FROM streams_discardedfile d
 WHERE d.due_at <= statement_timestamp()
 ORDER BY d.due_at LIMIT %(most)s
   FOR UPDATE OF d SKIP LOCKED
"""
FORGET = "DELETE FROM streams_discardedfile WHERE place = ANY(%s)"
LATER = """
UPDATE streams_discardedfile
   SET due_at = statement_timestamp() + make_interval(secs => %s) WHERE place = ANY(%s)
"""


async def tidy(connection: AsyncConnection, kept: float) -> int:
    """Does everything that is due now; returns how many files were deleted."""
    known = {"kept": kept, "most": AT_ONCE}
    while (await connection.execute(UNSENT, known)).rowcount:
        pass
    count = 0
    while done := await delete_some(connection):
        count += done
    return count


async def delete_some(connection: AsyncConnection) -> int:
    """Deletes files while it holds their rows, so that a worker which dies has forgotten none."""
    async with connection.transaction():
        due = await (await connection.execute(DUE, {"most": AT_ONCE})).fetchall()
        failed = [place for place, kept in due if not kept and not await delete(place)]
        await connection.execute(LATER, [AGAIN, failed])
        await connection.execute(FORGET, [[place for place, _ in due if place not in failed]])
    return len(due) - len(failed)


async def delete(place: str) -> bool:
    """Tells whether a file is gone."""
    try:
        await asyncio.to_thread(storage.delete, place)
    except Exception as error:  # whatever a site's storage raises
        logger.warning("the file %s is not deleted yet: %r", place, error)
        return False
    return True
