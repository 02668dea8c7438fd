"""The statement that appends events to the logs of many conversations.

Its parameters are `appending.arrays`; a row of its result is (conversation, verdict, head, …).
"""

from __future__ import annotations

from . import ledger

THIS_MONTH = "date_trunc('month', statement_timestamp() AT TIME ZONE 'UTC')::date"


def count(name: str) -> str:
    """Returns an SQL expression for one count of a run's usage. A provider may report anything
    there, and no answer fails because of it.
    """
    return (
        f"CASE WHEN jsonb_typeof(u.usage->'{name}') = 'number'"
        f" THEN least(greatest((u.usage->>'{name}')::numeric, 0), 1e15)::bigint ELSE 0 END"
    )


# The token sits on the row that is locked: PostgreSQL judges a locked row on its newest
# version, while a condition on another table is judged on the old snapshot and lets a
# zombie through. So does the count of undecided calls: a run that found one in an older snapshot
# would wait for ever.
HELD = """
held AS (
    SELECT c.id FROM streams_conversation c
     WHERE c.id = ANY(%(conversations)s::bigint[])
     ORDER BY c.id
       FOR NO KEY UPDATE SKIP LOCKED
)"""

BEGINNING = f"""
WITH batch AS (
    SELECT * FROM unnest(%(conversations)s::bigint[], %(tokens)s::bigint[],
                         %(counts)s::int[], %(releases)s::bool[], %(listed)s::bool[],
                         %(ends)s::bool[], %(waits)s::int[])
               AS b(conversation_id, token, n, releases, listed, ends, waits)
), {HELD.strip()}, accepted AS (
    UPDATE streams_conversation c
       SET last_seq = c.last_seq + b.n,
           lease_token = c.lease_token + b.releases::int,
           active_run_id = CASE WHEN b.releases THEN NULL ELSE c.active_run_id END,
           undecided = CASE WHEN b.ends THEN 0 ELSE c.undecided + b.waits END
      FROM held h JOIN batch b ON b.conversation_id = h.id
     WHERE c.id = h.id AND c.id = ANY(%(conversations)s::bigint[])
       AND (b.token IS NULL OR c.lease_token = b.token)
    RETURNING c.id, c.last_seq - b.n AS base, c.last_seq AS head, c.owner_id, b.listed,
              c.undecided
), written AS (
    INSERT INTO streams_event (conversation_id, seq, run_id, type, data, created_at)
    SELECT a.id, a.base + e.nth, e.run_id,
           CASE WHEN e.type = 'run.waiting' AND a.undecided = 0 THEN 'run.queued' ELSE e.type END,
           e.data::jsonb, statement_timestamp()
      FROM unnest(%(owners)s::bigint[], %(nths)s::int[], %(runs)s::bigint[],
                  %(types)b::text[], %(datas)b::text[])
               AS e(conversation_id, nth, run_id, type, data)
      JOIN accepted a ON a.id = e.conversation_id
)"""

# What becomes of runs and their answers.
CHANGED = f"""
changes AS (
    SELECT x.*, a.base, a.owner_id,
           CASE WHEN x.wanted = 'waiting' AND a.undecided = 0 THEN 'queued' ELSE x.wanted END
               AS status
      FROM jsonb_to_recordset(%(changes)s::jsonb) AS x(
               conversation_id bigint, run_id bigint, first_token bool, wanted text,
               stop_reason text, usage jsonb, error_code text, error_message text,
               vendor_error text, retryable bool, answer_id bigint, blocks jsonb,
               step int, steps int, step_nth int, from_block int)
      JOIN accepted a ON a.id = x.conversation_id
), run_changed AS (
    UPDATE streams_run r
       SET first_token_at = CASE WHEN x.status = 'queued' AND r.steps = 0 THEN NULL
               WHEN x.first_token THEN coalesce(r.first_token_at, statement_timestamp())
               ELSE r.first_token_at END,
           status = coalesce(x.status, r.status),
           ended_at = CASE WHEN x.status NOT IN ('queued', 'waiting')
               THEN statement_timestamp() END,
           waiting_since = CASE WHEN x.status = 'waiting' THEN statement_timestamp()
               ELSE r.waiting_since END,
           worked = r.worked + CASE WHEN x.status IS NULL THEN 0
               ELSE coalesce(extract(epoch FROM statement_timestamp() - r.started_at), 0) END,
           worker_id = CASE WHEN x.status IN ('queued', 'waiting') THEN NULL ELSE r.worker_id END,
           stop_reason = x.stop_reason, usage = coalesce(x.usage, r.usage),
           error_code = x.error_code, error_message = x.error_message,
           vendor_error = x.vendor_error, retryable = x.retryable,
           step = coalesce(x.step, r.step), steps = coalesce(x.steps, r.steps),
           step_seq = coalesce(x.base + x.step_nth, r.step_seq),
           from_block = coalesce(x.from_block, r.from_block)
      FROM changes x WHERE r.id = x.run_id AND r.id = ANY(%(changing)s::bigint[])
), answered AS (
    UPDATE streams_message m SET blocks = x.blocks
      FROM changes x WHERE m.id = x.answer_id AND m.id = ANY(%(answers)s::bigint[])
       AND x.blocks IS NOT NULL
), told AS (
    INSERT INTO streams_delivery (run_id, status)
    SELECT run_id, status FROM changes
     WHERE status IN ('completed', 'failed', 'cancelled', 'waiting')
), used AS (
    INSERT INTO streams_usage
           (owner_id, month, model, requests, input_tokens, output_tokens, cached_tokens,
            estimated_answers)
    SELECT x.owner_id, {THIS_MONTH}, r.model,
           greatest(coalesce(x.step, r.step), 1), {count("input_tokens")}, {count("output_tokens")},
           {count("cached_tokens")}, CASE u.usage->>'estimated' WHEN 'true' THEN 1 ELSE 0 END
      FROM changes x JOIN streams_run r ON r.id = x.run_id AND r.id = ANY(%(changing)s::bigint[])
     CROSS JOIN LATERAL (SELECT coalesce(x.usage, r.usage) AS usage) AS u
     WHERE x.status IN ('completed', 'failed', 'cancelled') AND r.attempt > 0
)"""

WOKEN = """(SELECT count(pg_notify('streams_work', 'queued'))
          FROM changes WHERE status = 'queued')"""

END = """
heads AS (
    SELECT id || ':' || head AS pair, (row_number() OVER () - 1) / 180 AS page FROM accepted
)
SELECT b.conversation_id,
       CASE WHEN a.id IS NOT NULL THEN 'ok'
            WHEN h.id IS NULL AND EXISTS (
                 SELECT FROM streams_conversation c
                  WHERE c.id = b.conversation_id AND c.id = ANY(%(conversations)s::bigint[]))
            THEN 'busy' ELSE 'refused' END,
       a.head,
       (SELECT count(pg_notify('streams_log', pairs))
          FROM (SELECT string_agg(pair, ' ') AS pairs FROM heads GROUP BY page) AS pages),
       (SELECT count(pg_notify('streams_feed', owner_id::text))
          FROM (SELECT DISTINCT owner_id FROM accepted WHERE listed) AS owners),
       {woken}
  FROM batch b
  LEFT JOIN held h ON h.id = b.conversation_id
  LEFT JOIN accepted a ON a.id = b.conversation_id
"""
# A pair is at most 39 bytes; 180 of them stay below NOTIFY's 8000.
MOST_TOLD = 180

# For at most so many conversations, and events alone that no list shows, as nearly all are: what it
# need not look for was a third of its cost. A row is (conversation, verdict, head, …) of those that
# were accepted.
UNLISTED_EVENTS = f"""
WITH {HELD.strip()}, accepted AS (
    UPDATE streams_conversation c SET last_seq = c.last_seq + b.n
      FROM held h
      JOIN unnest(%(conversations)s::bigint[], %(tokens)s::bigint[], %(counts)s::int[])
               AS b(conversation_id, token, n) ON b.conversation_id = h.id
     WHERE c.id = h.id AND c.id = ANY(%(conversations)s::bigint[])
       AND (b.token IS NULL OR c.lease_token = b.token)
    RETURNING c.id, c.last_seq - b.n AS base, c.last_seq AS head
), written AS (
    INSERT INTO streams_event (conversation_id, seq, run_id, type, data, created_at)
    SELECT a.id, a.base + e.nth, e.run_id, e.type, e.data::jsonb, statement_timestamp()
      FROM unnest(%(owners)s::bigint[], %(nths)s::int[], %(runs)s::bigint[],
                  %(types)b::text[], %(datas)b::text[])
               AS e(conversation_id, nth, run_id, type, data)
      JOIN accepted a ON a.id = e.conversation_id
)
SELECT id, 'ok', head,
       (SELECT pg_notify('streams_log', string_agg(id || ':' || head, ' ')) FROM accepted)
  FROM accepted
"""

# What became of the rest. The token is read later than it was judged, and only grows.
LEFT_OUT = """
SELECT b.conversation_id,
       CASE WHEN c.id IS NOT NULL AND (b.token IS NULL OR c.lease_token = b.token)
            THEN 'busy' ELSE 'refused' END, NULL::bigint
  FROM unnest(%(conversations)s::bigint[], %(tokens)s::bigint[]) AS b(conversation_id, token)
  LEFT JOIN streams_conversation c
    ON c.id = b.conversation_id AND c.id = ANY(%(conversations)s::bigint[])
"""


def statement(*more: str) -> str:
    """Returns the statement with more CTEs. It costs less without: each is made ready to run, also
    for no rows.
    """
    woken = WOKEN if CHANGED in more else "0"
    return ", ".join([BEGINNING, *more, END.format(woken=woken).lstrip()])


EVENTS_ALONE = statement()
WITHOUT_LEDGER = statement(CHANGED)
APPEND = statement(CHANGED, ledger.KEPT)
