"""Appends events to one conversation whose row Django's transaction holds already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams.postgres.database import connection

from .appending import NewEvent

# Django's connection prepares nothing, and planning the statement of `appending` takes a
# millisecond.
APPEND_LOCKED = """
WITH accepted AS (
    UPDATE streams_conversation
       SET last_seq = last_seq + %(count)s,
           updated_at = CASE WHEN %(queued)s THEN statement_timestamp() ELSE updated_at END
     WHERE id = %(conversation)s
    RETURNING id, owner_id, last_seq - %(count)s AS base, last_seq AS head
), written AS (
    INSERT INTO streams_event (conversation_id, seq, run_id, type, data, created_at)
    SELECT a.id, a.base + e.nth, e.run_id, e.type, e.data::jsonb, statement_timestamp()
      FROM accepted a, unnest(%(runs)s::bigint[], %(types)s::text[], %(datas)s::text[])
                       WITH ORDINALITY AS e(run_id, type, data, nth)
), told AS (
    INSERT INTO streams_delivery (run_id, status)
    SELECT e.run_id, substr(e.type, 5)
      FROM unnest(%(runs)s::bigint[], %(types)s::text[]) AS e(run_id, type)
     WHERE e.type IN ('run.completed', 'run.failed', 'run.cancelled')
)
SELECT head, pg_notify('streams_log', id || ':' || head),
       pg_notify('streams_feed', owner_id::text),
       CASE WHEN %(queued)s THEN pg_notify('streams_work', 'queued') END
  FROM accepted
"""


def append_locked(conversation_id: int, events: Sequence[NewEvent]) -> int:
    """Appends inside Django's transaction, which must hold the conversation's row; returns the new
    head.

    A `run.queued` event also wakes the workers and moves its conversation to the top of the list.
    """
    columns = list(zip(*((e.run_id, e.type, e.json) for e in events), strict=True))
    runs, types, datas = map(list, columns or ([], [], []))
    known: dict[str, Any] = {"conversation": conversation_id, "count": len(events), "runs": runs}
    known |= {"types": types, "datas": datas, "queued": "run.queued" in types}
    with connection().cursor() as cursor:
        cursor.execute(APPEND_LOCKED, known)
        return int(cursor.fetchone()[0])
