"""Real web and worker processes against the test database."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from .forked_processes import Forked

PATIENCE = 60.0
TO_START = 240.0  # of a machine that has forty times its work to do


def eventually(check: Callable[[], object], within: float = PATIENCE, every: float = 0.02):
    """Returns what `check` returns once it is truthy; a failing last assertion is shown
    as it is.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            found = check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        else:
            if found or time.monotonic() > deadline:
                assert found, f"did not come true within {within} s"
                return found
        time.sleep(every)


def debian_program(name: str, package: str = "") -> str:
    """Returns where a program of Debian's is; without it a test is skipped, or under `.ci/run`
    fails.
    """
    variable = name.upper().replace("-", "_")
    found = os.environ.get(variable) or shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if not found:
        install = f"`apt-get install {package or name}`"
        how = f"There is no {name}: {install}, or set {variable} to its path."
        pytest.fail(how) if os.environ.get("CI") == "true" else pytest.skip(how)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def database_url() -> str:
    at = connection.settings_dict
    host = at["OPTIONS"].get("host") or at["HOST"]
    port = at["PORT"] or at["OPTIONS"].get("port") or ""
    who = quote(at["USER"]) + (f":{quote(at['PASSWORD'])}" if at["PASSWORD"] else "")
    query = f"host={quote(host, safe='')}" + (f"&port={port}" if port else "")
    return f"postgresql://{who}@/{at['NAME']}?{query}"


class Process:
    """A child that is watched: its output is kept, and a test may wait for a line of it."""

    def __init__(
        self, *arguments: str, descriptors: tuple[int, ...] = (), **environment: str
    ) -> None:
        known = {
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "CHATSTREAM_CHILD": "1",
            "PYTHONUNBUFFERED": "1",
            "LOG_LEVEL": "INFO",
        }
        environment = os.environ | known | environment
        if arguments[0] != "-c":
            self.read(Forked(arguments, environment, settings.BASE_DIR, descriptors))
        else:
            command = [sys.executable, *arguments]
            self.watch(command, cwd=settings.BASE_DIR, env=environment, pass_fds=descriptors)

    def watch(self, command: list[str], **options: Any) -> None:
        output: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.read(subprocess.Popen(command, text=True, errors="replace", **output, **options))

    def read(self, popen: subprocess.Popen[str] | Forked) -> None:
        self.lines: list[str] = []
        self.popen = popen
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout
        for line in self.popen.stdout:
            self.lines.append(line.rstrip())

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, pattern: str, within: float = PATIENCE) -> re.Match[str]:
        def found() -> re.Match[str] | None:
            ended = self.popen.poll() is not None
            if ended:
                self._reader.join(1)  # its last words
            match = re.search(pattern, self.output)
            if match is None and ended:
                raise RuntimeError(f"it ended:\n{self.output}")
            return match

        return eventually(found, within)

    def send(self, number: int) -> None:
        self.popen.send_signal(number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.popen.wait(PATIENCE)

    def stop(self, within: float = PATIENCE) -> int:
        """SIGTERM, and the exit code; SIGKILL when it does not go."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            return self.popen.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def end(self) -> None:
        """Stops it after a test, if it still runs."""
        if self.popen.poll() is None:
            self.stop()


class Web(Process):
    """One uvicorn process; `url` is where it answers."""

    def __init__(self, port: str = "0", *options: str, **environment: str) -> None:
        super().__init__(
            *("-m", "uvicorn", "chatstream.asgi:application", "--port", port),
            *("--no-access-log", "--timeout-graceful-shutdown", "5", *options),
            **environment,
        )
        self.url = self.wait_for(r"running on (http://\S+)", TO_START)[1]


class WorkerProcess(Process):
    def __init__(self, *arguments: str, **environment: str) -> None:
        super().__init__("manage.py", "runworker", *arguments, **environment)
        self.wait_for("ready for", TO_START)

    def end(self, every: float = 0.3) -> None:
        """A second SIGTERM hands back at once what would be written for another half minute."""
        deadline = time.monotonic() + PATIENCE
        while self.popen.poll() is None and time.monotonic() < deadline:
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(every)
        super().end()
