"""Keeps one conversation's fault from stopping others: when a batch fails, each is tried alone.

A conversation that fails alone is set aside: a row of streams_fault names it, the log says so, and
it is tried again at growing intervals. Everyone else goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from ..models.fault import Fault
from ..postgres.connections import blames_rows

logger = logging.getLogger(__name__)

T = TypeVar("T")
# A row of a locking query: `id` of the conversation, `failed_before`, and what else it selects.
Row = Mapping[str, Any]
Act = Fault.Act

# Conditions for a query that knows the conversation as `c`: due although it may have failed
# before, and whether it has.
DUE = """NOT EXISTS (SELECT FROM streams_fault f WHERE f.conversation_id = c.id
                     AND f.act = '{act}' AND f.retry_at > clock_timestamp())"""
FAILED_BEFORE = """EXISTS (SELECT FROM streams_fault f
                            WHERE f.conversation_id = c.id AND f.act = '{act}')"""

# Seconds until the next try: 5, 10, 20, … at most 300.
SET_ASIDE = """
INSERT INTO streams_fault AS f (conversation_id, act, error, times, since, last_at, retry_at)
SELECT c.id, %(act)s, %(error)s, 1, now(), now(), clock_timestamp() + interval '5 s'
  FROM streams_conversation c WHERE c.id = %(conversation)s
ON CONFLICT (conversation_id, act) DO UPDATE
   SET error = excluded.error, times = f.times + 1, last_at = now(),
       retry_at = clock_timestamp()
                + make_interval(secs => least(300, 5 * 2 ^ least(f.times, 10)))
RETURNING times
"""


def locking(query: str, act: Act) -> str:
    """Completes a query that locks conversations: `{due}` leaves out those set aside and all but
    `%(only)s`; `{failed_before}` tells which have to be cleared after a success. It selects
    `c.id`.
    """
    due = DUE.format(act=act) + " AND (%(only)s::bigint IS NULL OR c.id = %(only)s)"
    return query.format(due=due, failed_before=FAILED_BEFORE.format(act=act) + " AS failed_before")


async def together_or_apart(
    connection: AsyncConnection,
    act: Act,
    lock: str,
    known: Mapping[str, Any],
    do: Callable[[Sequence[Row]], Awaitable[list[T]]],
) -> list[T]:
    """Returns what `do` makes of the rows that `lock` finds, in one transaction; if a row is at
    fault, in one transaction per conversation.
    """
    try:
        return await one_transaction(connection, act, lock, {**known, "only": None}, do)
    except Exception as error:
        if not blames_rows(error):
            raise
        logger.warning("%s: one by one, since together failed: %s", act, described(error))
    done: list[T] = []
    for pk in await found(connection, lock, known):
        try:
            done += await one_transaction(connection, act, lock, {**known, "only": pk}, do)
        except Exception as error:
            if not blames_rows(error):
                if done:  # theirs to go on with; the rest is found again
                    return done
                raise
            await set_aside(connection, pk, act, error)
    return done


async def one_transaction(
    connection: AsyncConnection,
    act: Act,
    lock: str,
    known: Mapping[str, Any],
    do: Callable[[Sequence[Row]], Awaitable[list[T]]],
) -> list[T]:
    async with connection.transaction():
        rows = await locked(connection, lock, known)
        if not rows:
            return []
        done = await do(rows)
        if healed := [row["id"] for row in rows if row["failed_before"]]:
            await connection.execute(
                "DELETE FROM streams_fault WHERE conversation_id = ANY(%s) AND act = %s",
                [healed, act],
            )
        return done


async def found(connection: AsyncConnection, lock: str, known: Mapping[str, Any]) -> list[int]:
    """Returns the conversations that are due, each once, and releases their locks."""
    rows = await locked(connection, lock, {**known, "only": None})
    return list(dict.fromkeys(row["id"] for row in rows))


async def locked(connection: AsyncConnection, lock: str, known: Mapping[str, Any]) -> list[Row]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(lock, known)
        return [*await cursor.fetchall()]


async def set_aside(
    connection: AsyncConnection, conversation_id: int, act: Act, error: Exception
) -> None:
    """Records that the conversation failed, and leaves it alone for a while."""
    why = described(error)
    known = {"conversation": conversation_id, "act": act, "error": why}
    try:
        row = await (await connection.execute(SET_ASIDE, known)).fetchone()
    except psycopg.Error as failure:
        if not blames_rows(failure):
            raise
        row = None  # it is in the log at least
    logger.error(
        "conversation %s is set aside, failure %s of %r: %s; `manage.py checklog` looks into it",
        *(conversation_id, row[0] if row else "unknown", act.value, why),
    )


def described(error: Exception) -> str:
    """Describes an error without details that quote rows, which hold what people wrote."""
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return (f"{type(error).__name__}: {said}" if said else type(error).__name__)[:300]
