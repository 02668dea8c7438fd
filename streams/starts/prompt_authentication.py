"""Finds out who sends the prompts that have arrived together, by one query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import AsyncConnection

from streams import access, access_queries


class Asked(NamedTuple):
    """The cookies of a request, as `access.keys` has them, and its conversation's UUID if it names
    one."""

    keys: dict[str, str]
    uuid: str | None


# Of the conversation, if it is the asking person's.
COLUMNS = "c.id, c.last_seq, c.model, c.on_busy"
JOINS = (
    "LEFT JOIN streams_conversation c ON c.uuid = {uuid}"
    " AND c.owner_id = d.user_id AND c.deleted_at IS NULL"
)


async def recognise(
    connection: AsyncConnection, asked: Sequence[Asked]
) -> list[access.SignedIn | None]:
    """Returns who asks and, as `more`, `COLUMNS`; None where Django has to decide."""
    known = {
        "keys": [each.keys["key"] for each in asked],
        "sessions": [each.keys["session"] for each in asked],
        "uuids": [each.uuid for each in asked],
    }
    cursor = await connection.execute(access_queries.who_each(COLUMNS, JOINS), known)
    found: list[access.SignedIn | None] = [None] * len(asked)
    for *row, place in await cursor.fetchall():
        signed_in = access.read(row)
        found[place - 1] = signed_in if access.goes_on(signed_in) else None
    return found
