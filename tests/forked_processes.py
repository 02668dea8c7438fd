"""Processes of Python's that start in a quarter of the time.

Most of what a web process or a worker costs at its start is importing Django and the SDKs.
Multiprocessing's fork server does that once for all processes that a test starts.
"""

from __future__ import annotations

import atexit
import fcntl
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import reduction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TextIO

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.preloaded_imports"])
F_SETSIG = 10  # of Linux; Python's fcntl does not name it


class Descriptor(int):
    """A file descriptor that a forked process has too, under a number of its own."""

    def __reduce__(self) -> tuple[Any, ...]:
        return adopted, (reduction.DupFd(int(self)),)


def adopted(duplicate: Any) -> int:
    number: int = duplicate.detach()
    os.set_inheritable(number, True)
    return number


class Forked:
    """Runs `python *arguments` in a process of its own, with the face of `subprocess.Popen`.

    With `descriptors`, `{0}` in an argument stands for what the first of them is in there.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        cwd: str | Path,
        descriptors: Sequence[int] = (),
    ) -> None:
        reader, writer = SERVER.Pipe(duplex=False)
        given = [Descriptor(each) for each in descriptors]
        self.process = SERVER.Process(
            target=run_program, args=(arguments, dict(environment), cwd, writer, given)
        )
        self.process.start()
        writer.close()
        self.stdout: TextIO = os.fdopen(os.dup(reader.fileno()), errors="replace")
        reader.close()
        assert self.process.pid
        self.pid: int = self.process.pid
        atexit.register(self.process.kill)  # before multiprocessing waits for it to end

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self.process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.process.name, timeout or 0.0)
        atexit.unregister(self.process.kill)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def run_program(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    cwd: str | Path,
    output: Connection,
    descriptors: Sequence[int],
) -> None:
    """Does what `python *arguments` would do."""
    end_with_parent()
    if descriptors:
        arguments = [each.format(*descriptors) for each in arguments]
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    for descriptor in (1, 2):
        os.dup2(output.fileno(), descriptor)
    output.close()
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    first, *others = arguments
    if first == "-m":
        sys.argv = others
        runpy.run_module(others[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [first, *others]
        runpy.run_path(first, run_name="__main__")


def end_with_parent() -> None:
    """Has Linux kill this process, frozen or not, once the one that started it is gone. Tests that
    are killed stop nothing, and the fork server stays for as long as one of its processes.
    """
    parent = multiprocessing.parent_process()
    if sys.platform != "linux" or parent is None:
        return
    fcntl.fcntl(parent.sentinel, F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(parent.sentinel, fcntl.F_GETFL)
    fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
    if not parent.is_alive():  # it went before
        os.kill(os.getpid(), signal.SIGKILL)
