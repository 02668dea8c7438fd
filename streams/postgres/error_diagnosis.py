"""Describes database errors in words: a full disk is not "cannot be reached".

PostgreSQL sends a code for a statement it refuses, but only a sentence while connecting.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg
from django.utils.translation import gettext_noop
from psycopg_pool import PoolTimeout

LATELY = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of database trouble: a word for programs, a sentence for operators, one for users."""

    word: str
    meaning: str
    told: str


AWAY = Trouble(
    "no database",
    "PostgreSQL cannot be reached: is it running, and is DATABASE_URL right?",
    gettext_noop("The database cannot be reached. Try again in a minute."),
)
STARTING = Trouble(
    "database starting",
    "PostgreSQL is starting, stopping or recovering.",
    gettext_noop("The database is starting. Try again in a minute."),
)
DISK_FULL = Trouble(
    "disk full",
    "PostgreSQL's disk is full: nothing can be saved until there is room on it.",
    gettext_noop("The database's disk is full, so nothing can be saved just now."),
)
READ_ONLY = Trouble(
    "read only",
    "PostgreSQL only reads: it is a standby, or default_transaction_read_only is on. "
    "Point DATABASE_URL at the primary.",
    gettext_noop("The database can only be read just now. Try again in a minute."),
)
CONNECTIONS = Trouble(
    "too many connections",
    "PostgreSQL has no connection left: raise max_connections, or lower DATABASE_POOL_SIZE.",
    gettext_noop("The database has too much to do. Try again in a minute."),
)
BUSY = Trouble(
    "pool exhausted",
    "All of this process's connections are in use: start another web process, "
    "or look for queries that hang.",
    CONNECTIONS.told,
)
REFUSED = Trouble(
    "refused",
    "PostgreSQL refuses this user: check the user and password in DATABASE_URL, and pg_hba.conf.",
    gettext_noop("The database refuses us."),
)
MISSING = Trouble(
    "no such database",
    "PostgreSQL is there, and has no database of this name: create it, or correct DATABASE_URL.",
    REFUSED.told,
)

BY_CODE = {
    "53100": DISK_FULL,
    "25006": READ_ONLY,
    "53300": CONNECTIONS,
    "28000": REFUSED,
    "28P01": REFUSED,
    "3D000": MISSING,
    "57P01": STARTING,
    "57P02": STARTING,
    "57P03": STARTING,
}
BY_WORDS = {
    "too many clients": CONNECTIONS,
    "too many connections": CONNECTIONS,
    "remaining connection slots": CONNECTIONS,
    "no more connections allowed": CONNECTIONS,  # PgBouncer's
    "password": REFUSED,
    "authentication": REFUSED,
    "pg_hba.conf": REFUSED,
    "role ": REFUSED,
    "does not exist": MISSING,
    "starting up": STARTING,
    "shutting down": STARTING,
    "recovery": STARTING,
    "no space left": DISK_FULL,
}


def of(error: BaseException) -> Trouble:
    """Diagnoses an error raised by psycopg or Django."""
    cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    if isinstance(cause, PoolTimeout):
        return BUSY
    if known := BY_CODE.get(getattr(cause, "sqlstate", None) or ""):
        return known
    said = str(cause).lower()
    # Only what the server itself said: a file of the socket's path may be called anything.
    said = said[said.find("fatal:") :] if "fatal:" in said else ""
    return next((known for words, known in BY_WORDS.items() if words in said), AWAY)


def described(error: BaseException) -> str:
    """Describes an error for the log: the diagnosis and PostgreSQL's own message."""
    return f"{of(error).meaning} ({str(error).strip().partition(chr(10))[0]})"


class Lately:
    """Remembers the last trouble this process had with writing. A probe that only reads would not
    find a full disk.
    """

    def __init__(self) -> None:
        self._met: tuple[float, Trouble] | None = None

    def met(self, trouble: Trouble) -> None:
        self._met = time.monotonic(), trouble

    @property
    def trouble(self) -> Trouble | None:
        if self._met and time.monotonic() - self._met[0] < LATELY:
            return self._met[1]
        return None


lately = Lately()
