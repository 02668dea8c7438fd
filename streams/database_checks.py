"""Checks of the database, which would fail silently in production.

They run with `manage.py check --database default`, or what the database of this app is called, and
before `migrate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db.utils import ProgrammingError
from psycopg import sql

from . import queue_health
from .postgres import database, error_diagnosis

OLDEST = 150000
ECHO_WITHIN = 2.0
CHANNEL = "streams_check"


@register(Tags.database, deploy=True)
def check_vitals(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Checks whether workers are alive and the queue moves, if the tables are there: a deployment
    is checked before it is migrated too.
    """
    if database.alias() not in (databases or ()):
        return []
    with suppress(ProgrammingError):
        return [Warning(worry, id="streams.W004") for worry in queue_health.look().values()]
    return []


@register(Tags.database)
def check_database(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Checks the version and settings of the PostgreSQL server, and whether LISTEN works."""
    if database.alias() not in (databases or ()):
        return []
    connection = database.connection()
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int")
        version: int = cursor.fetchone()[0]
        cursor.execute("SELECT current_setting('synchronous_commit')")
        synchronous: str = cursor.fetchone()[0]
        cursor.execute("SELECT current_setting('transaction_read_only') = 'on'")
        reads_only: bool = cursor.fetchone()[0]
    if reads_only:
        return [
            *server(version, synchronous),
            Error(error_diagnosis.READ_ONLY.meaning, id="streams.E012"),
        ]
    return [*server(version, synchronous), *listening()]


def server(version: int, synchronous: str) -> Iterable[CheckMessage]:
    if version < OLDEST:
        yield Error(
            f"PostgreSQL {version // 10000} is too old: 15 is the oldest that will do.",
            id="streams.E008",
        )
    if synchronous == "off":
        yield Error(
            "With synchronous_commit off a crash takes back tokens that were shown already.",
            hint="Set synchronous_commit to on for this database or role.",
            id="streams.E009",
        )


def listening() -> Iterable[CheckMessage]:
    if not hears_itself():
        yield Warning(
            "LISTEN delivers nothing here, as behind PgBouncer in transaction mode: streams "
            "and workers fall back to polling, which is slower and costs more.",
            hint="Connect to PostgreSQL itself or to a session-mode pool; or set STREAMS pooler "
            "(the variable DATABASE_POOLER, with the project's own settings), without which "
            "prepared statements fail.",
            id="streams.W002",
        )


def hears_itself() -> bool:
    """Tells whether a notification to itself arrives on a connection like the hub's."""
    from .postgres.connections import is_behind_pooler, parameters

    if is_behind_pooler():
        return False
    # From another connection: what one is told while it asks gets through any pool.
    known = {**parameters(), "autocommit": True}
    with psycopg.connect(**known) as hearing, psycopg.connect(**known) as telling:
        channel = sql.Identifier(CHANNEL)
        hearing.execute(sql.SQL("LISTEN {}").format(channel))
        telling.execute(sql.SQL("NOTIFY {}").format(channel))
        heard = any(True for _ in hearing.notifies(timeout=ECHO_WITHIN, stop_after=1))
        hearing.execute("UNLISTEN *")  # a pool would keep the session, and its ears
        return heard
