"""Parts for statements that change rows and append the events that say so.

Such a statement locks its conversations and numbers its events in a CTE `numbered`, with the
columns id (of the conversation), owner_id, seq, run_id, type and data. WRITTEN, among its CTEs,
stores them; TOLD, in its SELECT list, notifies everyone who follows.
"""

from __future__ import annotations

WRITTEN = """
written AS (
    INSERT INTO streams_event (conversation_id, seq, run_id, type, data, created_at)
    SELECT id, seq, run_id, type, data, statement_timestamp() FROM numbered
), heads AS (
    SELECT id || ':' || seq AS pair, (row_number() OVER () - 1) / 180 AS page FROM numbered
)"""
# A pair is at most 39 bytes; 180 of them stay below NOTIFY's 8000.
TOLD = """
(SELECT count(pg_notify('streams_log', pairs))
   FROM (SELECT string_agg(pair, ' ') AS pairs FROM heads GROUP BY page) AS pages),
(SELECT count(pg_notify('streams_feed', owner_id::text))
   FROM (SELECT DISTINCT owner_id FROM numbered) AS owners)"""
