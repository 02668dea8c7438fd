"""Finds out who opens the streams that are asked for at the same time, by one query: a server that
starts again has all its clients back within a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from streams import access_queries
from streams.postgres.connections import INDEXED
from streams.postgres.grouped_statement import GroupedStatement

MOST = 100  # in one query: their rows are read on a loop that others share

# A conversation that may be found, as columns and joins of `access_queries`.
OWNED = (
    "c.id, c.last_seq",
    "LEFT JOIN streams_conversation c ON c.uuid = {uuid}"
    " AND c.owner_id = d.user_id AND c.deleted_at IS NULL",
)


class Cookies(NamedTuple):
    """The cookies of a request, as `access.keys` reads them, and the conversation it is for."""

    key: str
    session: str
    uuid: str


Recognition = GroupedStatement[Cookies, "Sequence[Any] | None"]


def recognition() -> Recognition:
    return GroupedStatement("asking", rows_of, most=MOST, settings=INDEXED)


async def rows_of(
    connection: AsyncConnection, asked: Sequence[Cookies]
) -> list[Sequence[Any] | None]:
    """Returns a row of `access_queries.who` for each; None where nobody is signed in."""
    keys, begun, uuids = map(list, zip(*asked, strict=True))
    known = {"keys": keys, "sessions": begun, "uuids": uuids}
    cursor = await connection.execute(access_queries.who_each(*OWNED), known)
    found: list[Sequence[Any] | None] = [None] * len(asked)
    for *row, place in await cursor.fetchall():
        found[place - 1] = row
    return found
