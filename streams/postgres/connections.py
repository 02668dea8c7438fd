"""Raw asynchronous connections to the app's database.

A worker and a hub live in an event loop, where Django's own connections cannot.
"""

from __future__ import annotations

import logging
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool

from . import database

logger = logging.getLogger(__name__)

# What Django adds for its own use; the rest of OPTIONS is libpq's.
DJANGOS = (
    "pool",
    "context",
    "cursor_factory",
    "prepare_threshold",
    "server_side_binding",
    "isolation_level",
    "assume_role",
)

# A dead peer is noticed in about 15 seconds where the operating system would wait hours;
# keepalives rest while something sent has not been acknowledged, which has its own limit.
KEEPALIVES = {
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

# Arrays hide how few rows they hold, and statistics may be as young as the first prompt: a
# plan that scans a whole table must not be the one that gets prepared.
INDEXED = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}

# The same for the writer, whose batches are joined with themselves: nested loops would cost
# the square of their size. Each table is restricted by the batch's own keys besides.
HASHED = {
    "enable_seqscan": "off",
    "enable_nestloop": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}


def parameters() -> dict[str, Any]:
    """libpq's parameters for the app's database."""
    given = database.connection().get_connection_params()
    known = {key: value for key, value in given.items() if key not in DJANGOS}
    if is_behind_pooler():
        known["prepare_threshold"] = None
    return known | {"connect_timeout": 5, **KEEPALIVES}


def is_behind_pooler() -> bool:
    """Whether a pool such as PgBouncer's gives a connection's transactions to any session."""
    return bool(database.connection().settings_dict.get("POOLER", False))


async def connect(role: str, **settings: str) -> AsyncConnection:
    """An autocommitting connection; `room` names it in pg_stat_activity.

    Raises psycopg.OperationalError while PostgreSQL cannot be reached.
    """
    connection = await AsyncConnection.connect(
        **parameters(), autocommit=True, application_name=f"chatstream {role}"
    )
    # What a pool's session is told, its next guest would have to live with.
    for name, value in () if is_behind_pooler() else settings.items():
        await connection.execute(sql.SQL("SET {} = {}").format(sql.Identifier(name), value))
    return connection


def pool(role: str, most: int) -> AsyncConnectionPool:
    """Autocommitting connections for short questions; not open yet.

    Whoever asks while PostgreSQL is away gets psycopg_pool.PoolTimeout, an OperationalError.
    """

    async def check(connection: AsyncConnection) -> None:
        """One that died says that all may have: tried one by one, each would cost a wait."""
        try:
            await AsyncConnectionPool.check_connection(connection)
        except psycopg.Error:
            await made.drain()
            raise

    async def reset(connection: AsyncConnection) -> None:
        """Nothing; but with it the pool takes a connection back in a task of its own, while one
        whose user is cancelled at that moment would be lost for good."""

    made = AsyncConnectionPool(
        name=role,
        kwargs=parameters() | {"autocommit": True, "application_name": f"chatstream {role}"},
        min_size=1,
        max_size=most,
        timeout=5,
        # Its own patience doubles with every failure, and would outlast a long absence by as
        # much again; who asks next tries anew.
        reconnect_timeout=1,
        check=check,
        reset=reset,
        open=False,
    )
    return made


def renew_djangos() -> None:
    """Where one connection of this process was lost, those Django keeps idle are dead too."""
    if kept := getattr(database.connection(), "pool", None):
        kept.drain()


def is_away(error: psycopg.Error) -> bool:
    """Whether PostgreSQL could not just now, and may soon; or else the rows are to blame.

    A server that fails over, or whose disk is full, is read-only for a while. What exceeds a limit
    of the program (class 54) does so again.
    """
    if (error.sqlstate or "").startswith("54"):
        return False
    return isinstance(error, psycopg.OperationalError | psycopg.errors.ReadOnlySqlTransaction)


# SQLSTATE classes and codes that are about the rows at hand: data, constraints, program limits,
# functions and triggers of their own, corruption; and a statement that took too long.
OF_ROWS = ("22", "23", "54", "P0", "XX", "57014")


def blames_rows(error: Exception) -> bool:
    """Whether what failed may succeed for other rows, or would fail for every one: PostgreSQL
    away, a connection lost, a schema or a right that is missing."""
    if isinstance(error, psycopg.Error):
        return isinstance(error, psycopg.DataError) or (error.sqlstate or "").startswith(OF_ROWS)
    return not isinstance(error, OSError)


def is_undone(connection: AsyncConnection, error: psycopg.Error) -> bool:
    """Whether PostgreSQL itself said that the statement came to nothing.

    Without its word, or with it leaving (class 57P), a statement may still have committed. One
    that is read-only is left for another: what writes may be elsewhere by now.
    """
    said = error.sqlstate
    return not connection.closed and said is not None and not said.startswith(("57P", "25006"))
