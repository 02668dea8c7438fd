"""Purges conversations that were deleted: erases them, and all that belongs to them, for good.

The trigger `streams_conversation_deleted` of their table takes most along, whoever deletes and by
what statement: faults, sessions of devices, pairings, runs with their steps and calls of tools,
messages, events. The foreign keys of search entries and attachments cascade, and the trigger
`streams_attachment_deleted` marks each stored file for `stored_files` to delete. The links that
show a copy have neither, so a statement here deletes them.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import AsyncConnection

from . import quarantine

PURGED_AT_ONCE = 50

# A run still open has a writer, and waits: its own end comes first. A restore that was
# quicker has the row, and this one is judged again on what the restore made of it.
LOCK_DELETED = quarantine.locking(
    """
SELECT c.id, {failed_before} FROM streams_conversation c
 WHERE c.deleted_at <= now() - make_interval(secs => %(grace)s) AND c.active_run_id IS NULL
   AND NOT EXISTS (SELECT FROM streams_run r
                    WHERE r.conversation_id = c.id AND r.status IN ('queued', 'running', 'waiting'))
   AND {due}
 ORDER BY c.id LIMIT %(limit)s
   FOR UPDATE OF c SKIP LOCKED
""",
    quarantine.Act.PURGE,
)


async def purge(connection: AsyncConnection, grace: float) -> int:
    """Purges what was deleted `grace` seconds ago; returns how many conversations."""

    async def purge_locked(rows: Sequence[quarantine.Row]) -> list[int]:
        gone = [row["id"] for row in rows]
        await connection.execute(
            "DELETE FROM streams_share WHERE conversation_id = ANY(%s)", [gone]
        )
        await connection.execute("DELETE FROM streams_conversation WHERE id = ANY(%s)", [gone])
        return gone

    known = {"grace": grace, "limit": PURGED_AT_ONCE}
    act = quarantine.Act.PURGE
    return len(
        await quarantine.together_or_apart(connection, act, LOCK_DELETED, known, purge_locked)
    )
