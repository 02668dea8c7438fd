"""Finds out, after a lost connection, who holds a lease and which statements committed."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import AsyncConnection

# Waits for a statement that was lost with its connection, or shuts it out: whichever of the
# two takes the row second sees the other's token. The holder raises by STEP and everyone else
# by one, so that a raise whose own answer was lost is known again as the holder's.
STEP = 1000
RAISE_TOKENS = f"""
UPDATE streams_conversation c SET lease_token = c.lease_token + {STEP}
  FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[]) AS held(conversation_id, run_id, token)
 WHERE c.id = held.conversation_id AND c.id = ANY(%b::bigint[]) AND c.active_run_id = held.run_id
   AND c.lease_token >= held.token AND (c.lease_token - held.token) %% {STEP} = 0
RETURNING c.id, c.lease_token, c.last_seq
"""


async def lock_free(to: AsyncConnection, conversation_ids: Sequence[int]) -> set[int]:
    """Locks those of the rows that nobody else holds and returns them; needs a transaction."""
    cursor = await to.execute(
        "SELECT id FROM streams_conversation WHERE id = ANY(%s)"
        " ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
        [list(conversation_ids)],
    )
    return {pk for (pk,) in await cursor.fetchall()}


async def raise_tokens(
    to: AsyncConnection, held: Sequence[tuple[int, int, int]]
) -> dict[int, tuple[int, int]]:
    """Raises the tokens of leases that are still held; returns new token and head by conversation.

    `held` lists (conversation, run, token). A conversation whose lease was lost is not in the
    result.
    """
    columns = [list(column) for column in zip(*held, strict=True)] or [[], [], []]
    cursor = await to.execute(RAISE_TOKENS, [*columns, columns[0]])
    return {pk: (token, head) for pk, token, head in await cursor.fetchall()}


async def committed(source: AsyncConnection, conversation_id: int, run_id: int, after: int) -> bool:
    """Tells whether the holder's batch after number `after` was committed.

    A batch commits as a whole, so any event of the run will do, except those that someone else
    writes meanwhile: that a stop was asked for, or that a call was decided.
    """
    cursor = await source.execute(
        "SELECT EXISTS (SELECT FROM streams_event"
        " WHERE conversation_id = %s AND seq > %s AND run_id = %s"
        "   AND type NOT IN ('run.cancel_requested', 'tool.decided'))",
        [conversation_id, after, run_id],
    )
    row = await cursor.fetchone()
    return bool(row and row[0])
