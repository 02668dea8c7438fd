"""Counts the pages of its tables that PostgreSQL reads for a query: a measure of work that does not
depend on a machine's speed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

FILLED = """
WITH m AS (
    INSERT INTO streams_message (uuid, conversation_id, seq, role, blocks, created_at)
    SELECT gen_random_uuid(), %(here)s, n, CASE n %% 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
           '[{"index": 0, "kind": "text", "text": "said"}]', now()
      FROM generate_series(1, 2 * %(turns)s) n
    RETURNING id, seq
)
INSERT INTO streams_run (uuid, conversation_id, prompt_id, answer_id, model, status, rank, attempt,
       usage, stop_reason, error_code, error_message, retryable, started_at, ended_at, folded_at)
SELECT gen_random_uuid(), %(here)s, p.id, a.id, 'scripted:demo', 'completed', 0, 1, '{}', '', '',
       '', false, now(), now(), now()
  FROM m p JOIN m a ON a.seq = p.seq + 1 WHERE p.seq %% 2 = 1
"""


def fill(conversation, turns: int) -> None:
    """Adds so many prompts with completed answers, without events."""
    with connection.cursor() as cursor:
        cursor.execute(FILLED, {"here": conversation.pk, "turns": turns})


@contextmanager
def looked_at() -> Iterator[list[int]]:
    """Collects the count of pages for each SELECT."""
    counts: list[int] = []

    def counted(execute, sql, params, many, context):
        if sql.lstrip().startswith(("SELECT", "WITH")):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
                plan = cursor.fetchone()[0][0]["Plan"]
            counts.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
        return execute(sql, params, many, context)

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with connection.execute_wrapper(counted):
        yield counts
