"""The statements that store prompts of many conversations, new ones and those that are there."""

from __future__ import annotations

from streams import log
from streams.models import posting

# The conversations with open runs, by which a person's are counted as in `streams.quotas`. Each
# part finds its own partial index.
OPEN = """
open AS MATERIALIZED (
    SELECT c.id, c.owner_id, count(*) AS runs
      FROM (SELECT conversation_id FROM streams_run WHERE status = 'queued' AND %(counts)s
             UNION ALL
            SELECT conversation_id FROM streams_run WHERE status = 'running' AND %(counts)s
             UNION ALL
            SELECT conversation_id FROM streams_run WHERE status = 'waiting' AND %(counts)s) AS r
      JOIN streams_conversation c ON c.id = r.conversation_id
     GROUP BY c.id
)"""


def has_place(owner: str) -> str:
    """A condition: this person may have one more conversation answered."""
    return (
        f"(%(running)s = 0 OR %(running)s >"
        f" (SELECT count(*) FROM open WHERE open.owner_id = {owner}))"
    )


def may_wait(owner: str) -> str:
    """A condition: one more run of this person may wait behind others of its conversation."""
    return (
        f"(%(queued)s = 0 OR %(queued)s >"
        f" (SELECT coalesce(sum(runs) - count(*), 0) FROM open WHERE open.owner_id = {owner}))"
    )


def within_budget(owner: str) -> str:
    """A condition: this person's budget for the month, if there is one, is not used up. What costs
    in dollars is for Django's handler to say.
    """
    return f"""NOT EXISTS (
        SELECT FROM (
            SELECT coalesce(own.tokens, %(budget_tokens)s::bigint) AS tokens,
                   coalesce(own.dollars, %(budget_dollars)s::numeric) AS dollars
              FROM (VALUES (1)) AS one
              LEFT JOIN streams_budget own ON own.owner_id = {owner}) AS budget
         WHERE dollars > 0 OR tokens > 0 AND tokens <= (
            SELECT coalesce(sum(u.input_tokens + u.output_tokens), 0) FROM streams_usage u
             WHERE u.owner_id = {owner} AND u.month = {log.THIS_MONTH}))"""


# A UUID that is taken is left out, as is a person who has no place.
IN_NEW = f"""
{posting.ASKED}, {OPEN}, accepted AS (
    INSERT INTO streams_conversation
           (uuid, owner_id, title, model, system, on_busy, last_seq, lease_token,
            created_at, updated_at)
    SELECT asked.conversation, new.owner_id, new.title, new.model, new.system, new.on_busy, 2, 0,
           statement_timestamp(), statement_timestamp()
      FROM asked, jsonb_populate_record(NULL::streams_conversation, asked.new) AS new
     WHERE {has_place("new.owner_id")} AND {within_budget("new.owner_id")}
     ORDER BY asked.nth
    ON CONFLICT (uuid) DO NOTHING
    RETURNING id, uuid, owner_id, last_seq AS head, updated_at
), {posting.ROWS}
"""

# Conversations in which there is something to decide are left out, and those that are locked.
IN_FREE = f"""
{posting.ASKED}, {OPEN}, free AS (
    SELECT c.id FROM streams_conversation c JOIN asked ON asked.conversation = c.uuid
     WHERE c.uuid = ANY(%(conversations)s) AND c.deleted_at IS NULL
       AND c.on_busy = 'queue' AND c.model = asked.model
       AND (%(messages)s = 0 OR c.last_seq + 2 <= %(messages)s)
       AND NOT EXISTS (SELECT FROM streams_message m
                        WHERE m.conversation_id = c.id AND m.client_key = asked.client_key)
       AND CASE WHEN EXISTS (SELECT FROM open WHERE open.id = c.id)
                THEN {may_wait("c.owner_id")} ELSE {has_place("c.owner_id")} END
       AND {within_budget("c.owner_id")}
     ORDER BY c.id
       FOR NO KEY UPDATE OF c SKIP LOCKED
), accepted AS (
    UPDATE streams_conversation c
       SET last_seq = c.last_seq + 2, updated_at = statement_timestamp()
      FROM free WHERE c.id = free.id
    RETURNING c.id, c.uuid, c.owner_id, c.last_seq AS head, c.updated_at
), {posting.ROWS}
"""
