"""A connection of Django's, lent to code that is written for asynchronous ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from psycopg.types.json import JsonbLoader


class Borrowed:
    """Django's psycopg connection behind an asynchronous interface, so that the worker's statements
    run in the test's transaction.
    """

    closed = False

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    async def execute(self, query: Any, params: Any = None) -> BorrowedCursor:
        return await self.cursor().execute(query, params)

    def cursor(self, row_factory: Any = tuple_row) -> BorrowedCursor:
        cursor = psycopg.Cursor(
            self._connection, row_factory=row_factory
        )  # binary, unlike Django's
        cursor.adapters.register_loader("jsonb", JsonbLoader)  # which Django leaves to its fields
        return BorrowedCursor(cursor)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        with self._connection.transaction():
            yield


class BorrowedCursor:
    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        self._cursor = cursor

    async def __aenter__(self) -> BorrowedCursor:
        return self

    async def __aexit__(self, *of: object) -> None:
        self._cursor.close()

    async def execute(self, query: Any, params: Any = None) -> BorrowedCursor:
        self._cursor.execute(query, params)
        return self

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    async def fetchone(self) -> Any:
        return self._cursor.fetchone()

    async def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()
