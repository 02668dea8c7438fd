"""A page of a conversation's log as those catch up who lack much of it: consecutive deltas of one
block as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

ALL = 2**62

# An island begins at every other event and at every other block: a delta that spanned another
# block's would claim numbers not its own, and a client would take its part for the whole.
# A page ends with the row that fills its bytes, as stored: prompts may be long.
IN_ISLANDS = """
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

# For pages where another event stands between the deltas of two blocks, as a worker writes nearly
# all: at half the cost. `mixed` says that this one is none.
BETWEEN_EVENTS = """
WITH parts AS (
    SELECT max(seq) AS seq, min(seq) AS first, count(*) AS rows, max(through) AS through,
           min(run_id) AS run_id, min(block) AS block,
           min(type) FILTER (WHERE NOT is_delta) AS type,
           min(data::text) FILTER (WHERE NOT is_delta) AS data,
           string_agg(data->>'text', '' ORDER BY seq) FILTER (WHERE is_delta) AS text,
           min(run_id) < max(run_id) OR min(block) < max(block)
           OR is_delta AND count(run_id + block) < count(*) AS mixed
      FROM (
           SELECT *, type = 'block.delta' AS is_delta,
                  CASE WHEN type = 'block.delta' THEN (data->>'index')::bigint END AS block,
                  count(*) FILTER (WHERE type <> 'block.delta') OVER so_far AS events,
                  sum(pg_column_size(data)) OVER so_far AS through
             FROM (SELECT seq, run_id, type, data FROM streams_event
                    WHERE conversation_id = %(conversation)s AND seq > %(after)s {only}
                    ORDER BY seq LIMIT %(limit)s) AS rows
           WINDOW so_far AS (ORDER BY seq ROWS UNBOUNDED PRECEDING)
      ) AS found
     WHERE through - pg_column_size(data) < %(bytes)s
     GROUP BY events, is_delta
)
SELECT p.seq, p.run_id, coalesce(p.type, 'block.delta'),
       CASE WHEN p.data IS NOT NULL THEN p.data
            WHEN p.rows = 1 THEN e.data::text
            ELSE jsonb_build_object(
                 'run', e.data->>'run', 'index', p.block,
                 'from', coalesce((e.data->>'from')::bigint, p.first), 'text', p.text)::text
       END, p.rows, p.through, p.mixed
  FROM parts p
  LEFT JOIN streams_event e
    ON e.conversation_id = %(conversation)s AND e.seq = p.first AND p.data IS NULL
 ORDER BY p.seq
"""


class PageStatement(NamedTuple):
    """Two statements that read the same: where the `quick` one finds a page that is not for it,
    `page` returns None and `exact` has to be asked."""

    quick: str
    exact: str

    @classmethod
    def of(cls, only: str = "") -> PageStatement:
        """Returns those for the events that meet a condition."""
        return cls(BETWEEN_EVENTS.format(only=only), IN_ISLANDS.format(only=only))


EVERY = PageStatement.of()
OF_RUN = PageStatement.of("AND run_id = %(run)s")
SHOWN_OF_RUN = PageStatement.of(
    "AND (run_id = %(run)s OR type = 'run.steered' AND data->>'run' = %(uuid)s)"
)

Page = tuple[list[Sequence[Any]], bool]


def page(rows: Sequence[Sequence[Any]], limit: int, most_bytes: int) -> Page | None:
    """Returns (seq, run_id, type, data) of each, and whether more may follow; or None."""
    if any(mixed for *_, mixed in rows):
        return None
    read = sum(count for *_, count, _, _ in rows)
    through = rows[-1][5] if rows else 0
    return [row[:4] for row in rows], read == limit or through >= most_bytes


def exact_page(rows: Sequence[Sequence[Any]]) -> Page:
    return [row[:4] for row in rows], bool(rows and rows[0][4])
