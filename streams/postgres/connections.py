"""Asynchronous connections to the app's database, for the event loops of worker and hub."""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Mapping
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import orjson
import psycopg
from psycopg import AsyncConnection, sql
from psycopg.adapt import AdaptersMap
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

from streams.conf import conf

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

# Each statement is planned once for all values, and never compiled: all are short.
PREPARED = {"plan_cache_mode": "force_generic_plan", "jit": "off"}

# Arrays hide how few rows they hold, and statistics may be as young as the first prompt: a
# plan that scans a whole table must not be the one that gets prepared.
INDEXED = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    **PREPARED,
}

# The same for the writer, whose batches are joined with themselves: nested loops would cost
# the square of their size. Each table is restricted by the batch's own keys besides.
HASHED = {
    "enable_seqscan": "off",
    "enable_nestloop": "off",
    "enable_mergejoin": "off",
    **PREPARED,
}

# A long history has thousands of values, which are read in one go on a loop that others share.
ADAPTERS = AdaptersMap(psycopg.adapters)
set_json_loads(orjson.loads, ADAPTERS)

# Seconds after its use for which a connection is taken to be alive.
FRESH = 5.0


def parameters() -> dict[str, Any]:
    """Returns libpq's parameters for the app's database."""
    given = database.connection().get_connection_params()
    known = {key: value for key, value in given.items() if key not in DJANGOS}
    return known | {"connect_timeout": 5, **KEEPALIVES}


def arguments(role: str) -> dict[str, Any]:
    """Returns psycopg's arguments for a connection that `role` names in pg_stat_activity.

    Statements are prepared at their first execution, but not where the next one may meet another
    session.
    """
    prepared = {"prepare_threshold": None if is_behind_pooler() else 0}
    own = {"autocommit": True, "application_name": f"chatstream {role}", "context": ADAPTERS}
    return parameters() | prepared | own


def is_behind_pooler() -> bool:
    """Tells whether a pooler such as PgBouncer may give each transaction to another session."""
    return conf().pooler


async def connect(role: str, **settings: str) -> AsyncConnection:
    """Opens an autocommitting connection, its session told `settings`; `role` names it in
    pg_stat_activity.

    Raises psycopg.OperationalError while PostgreSQL cannot be reached.
    """
    connection = await AsyncConnection.connect(**arguments(role))
    await tell(connection, settings)
    return connection


async def tell(connection: AsyncConnection, settings: Mapping[str, str]) -> None:
    """Sets parameters of the session, except behind a pooler: its next guest would have to live
    with them.
    """
    if settings and not is_behind_pooler():
        each = sql.SQL(", ").join(
            sql.SQL("set_config({}, {}, false)").format(name, value)
            for name, value in settings.items()
        )
        await connection.execute(sql.SQL("SELECT {}").format(each), prepare=False)


def pool(role: str, most: int) -> AsyncConnectionPool:
    """Makes a pool of autocommitting connections for short queries; the caller opens it.

    Asking it while PostgreSQL is away raises psycopg_pool.PoolTimeout, an OperationalError.
    """
    used: WeakKeyDictionary[AsyncConnection, float] = WeakKeyDictionary()

    async def check(connection: AsyncConnection) -> None:
        """Drops the whole pool when one of its connections is dead: trying each would cost a wait
        each. One that was in use a moment ago, and has received nothing since, is not asked.
        """
        if time.monotonic() - used.get(connection, -FRESH) < FRESH and is_quiet(connection):
            return
        try:
            await AsyncConnectionPool.check_connection(connection)
        except psycopg.Error:
            await made.drain()
            raise

    async def reset(connection: AsyncConnection) -> None:
        """Also makes the pool take the connection back in a task of its own. Without that one
        whose user is cancelled at that moment is lost to the pool for good.
        """
        used[connection] = time.monotonic()

    made = AsyncConnectionPool(
        name=role,
        kwargs=arguments(role),
        min_size=1,
        max_size=most,
        timeout=5,
        # Its own patience doubles with every failure, and would outlast a long absence by as
        # much again; who asks next tries anew.
        reconnect_timeout=1,
        configure=partial(tell, settings=INDEXED),
        check=check,
        reset=reset,
        open=False,
    )
    return made


def is_quiet(connection: AsyncConnection) -> bool:
    """Tells whether nothing has arrived unasked, as it does when PostgreSQL ends a session."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return not waiting.poll(0)


def renew_djangos() -> None:
    """Drops the idle connections of Django's pool, which are dead too if one of this process was
    lost.
    """
    if kept := getattr(database.connection(), "pool", None):
        kept.drain()


def is_away(error: psycopg.Error) -> bool:
    """Tells whether PostgreSQL is away for now, as opposed to the rows being at fault.

    A server that fails over or whose disk is full is read-only for a while, and counts as away. An
    exceeded program limit (SQLSTATE class 54) would fail again, and does not.
    """
    if (error.sqlstate or "").startswith("54"):
        return False
    return isinstance(error, psycopg.OperationalError | psycopg.errors.ReadOnlySqlTransaction)


# SQLSTATE classes and codes that are about the rows at hand: data, constraints, program limits,
# functions and triggers of their own, corruption; and a statement that took too long.
OF_ROWS = ("22", "23", "54", "P0", "XX", "57014")


def blames_rows(error: Exception) -> bool:
    """Tells whether the failure is due to these rows, so that others may succeed.

    PostgreSQL being away, a lost connection, a missing table or right would fail for every row.
    """
    if isinstance(error, psycopg.Error):
        return isinstance(error, psycopg.DataError) or (error.sqlstate or "").startswith(OF_ROWS)
    return not isinstance(error, OSError)


def is_undone(connection: AsyncConnection, error: psycopg.Error) -> bool:
    """Tells whether PostgreSQL itself reported that the statement had no effect.

    Without that report, or when the server is shutting down (class 57P), the statement may still
    have committed. A read-only server is treated so too: the one that writes may be elsewhere by
    now.
    """
    said = error.sqlstate
    return not connection.closed and said is not None and not said.startswith(("57P", "25006"))
