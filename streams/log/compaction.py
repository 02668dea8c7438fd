"""Compacts the logs of ended runs, and of steps that have ended: the deltas of each block become
one row, and so does what a call told of its progress, which is the last of it.

The row keeps the number of the last delta, and `from` names the first. A cursor from before, inside
or after that range therefore ends up with the same text. Lifecycle events are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import AsyncConnection

from .reading import TERMINAL_SEQ


class Compacted(NamedTuple):
    """The result of one compaction step: runs looked at and rows deleted."""

    runs: int
    rows: int


# The caller holds the runs' rows, which are locked before any of their events, as everywhere. A
# block index comes again with every attempt, so the attempts are told apart. One statement: no
# reader sees half.
COMPACT = f"""
WITH due AS (
    SELECT r.id, r.conversation_id, r.answer_id, r.step_seq
      FROM streams_run r WHERE r.id = ANY(%(runs)s)
), own AS (
    SELECT e.conversation_id, e.run_id, e.seq, e.type, e.data,
           count(*) FILTER (WHERE e.type = 'run.started')
               OVER (PARTITION BY e.run_id ORDER BY e.seq) AS attempt
      FROM due r
      JOIN streams_message answer ON answer.id = r.answer_id
      JOIN streams_event e ON e.conversation_id = r.conversation_id AND e.run_id = r.id
       AND e.seq BETWEEN answer.seq AND coalesce({TERMINAL_SEQ}, r.step_seq)
), compacted AS (
    SELECT conversation_id, max(seq) AS last, array_agg(seq) AS seqs, jsonb_build_object(
               'run', min(data->>'run'), 'index', (data->>'index')::int,
               'from', min(coalesce((data->>'from')::bigint, seq)),
               'text', string_agg(data->>'text', '' ORDER BY seq)) AS data
      FROM own WHERE type = 'block.delta'
     GROUP BY conversation_id, run_id, attempt, data->>'index'
    HAVING count(*) > 1
     UNION ALL
    SELECT conversation_id, max(seq), array_agg(seq),
           (array_agg(data ORDER BY seq DESC))[1] || jsonb_build_object(
               'from', min(coalesce((data->>'from')::bigint, seq)))
      FROM own WHERE type = 'tool.progress'
     GROUP BY conversation_id, run_id, data->>'call_id'
    HAVING count(*) > 1
), kept AS (
    UPDATE streams_event e SET data = f.data FROM compacted f
     WHERE e.conversation_id = f.conversation_id AND e.seq = f.last
), gone AS (
    DELETE FROM streams_event e USING compacted f, unnest(f.seqs) AS covered(seq)
     WHERE e.conversation_id = f.conversation_id AND e.seq = covered.seq AND e.seq <> f.last
    RETURNING 1
), marked AS (
    UPDATE streams_run r
       SET folded_at = CASE WHEN r.ended_at IS NOT NULL THEN statement_timestamp() END,
           compacted_steps = r.steps
      FROM due WHERE r.id = due.id
)
SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM gone)
"""


async def compact(connection: AsyncConnection, run_ids: Sequence[int]) -> Compacted:
    """Compacts ended runs, and open ones up to their last ended step; the caller's transaction must
    hold their rows.
    """
    cursor = await connection.execute(COMPACT, {"runs": list(run_ids)})
    row = await cursor.fetchone()
    return Compacted(*row) if row else Compacted(0, 0)


COMPACTABLE = """
SELECT count(DISTINCT r.id), count(e.seq)
  FROM streams_run r
  LEFT JOIN streams_event e ON e.conversation_id = r.conversation_id AND e.run_id = r.id
   AND e.type = 'block.delta'
 WHERE r.folded_at IS NULL AND r.ended_at <= now() - make_interval(secs => %(grace)s)
"""


async def compactable(connection: AsyncConnection, grace: float) -> Compacted:
    """Counts the runs that wait for compaction, and their deltas."""
    row = await (await connection.execute(COMPACTABLE, {"grace": grace})).fetchone()
    return Compacted(*row) if row else Compacted(0, 0)
