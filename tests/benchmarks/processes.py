"""The processes of one benchmark, and the CPU time and memory that they take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from django.db import connection

from streams.models import Worker
from tests.processes import eventually

from . import loop_gauge

ROOT = Path(__file__).resolve().parent.parent.parent


class Child:
    """A process that says on its standard output when it is ready, and ends with us."""

    def __init__(self, *arguments: str, log: Path, **environment: str) -> None:
        self.log = open(log, "a")  # noqa: SIM115  (open as long as the child)
        self.popen = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.process = psutil.Process(self.popen.pid)

    def line(self) -> str:
        assert self.popen.stdout
        if line := self.popen.stdout.readline():
            return line
        self.popen.wait(10)
        said = Path(self.log.name).read_text()[-2000:]
        raise RuntimeError(f"{' '.join(self.popen.args[1:])} ended:\n{said}")

    def port(self) -> int:
        return int(self.line().split()[1])

    def stop(self) -> None:
        self.popen.terminate()
        try:
            self.popen.wait(15)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.log.close()


class House:
    """A vendor, a relay, web processes and workers around one PostgreSQL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: dict[str, list[Child]] = {}
        self.environment: dict[str, str] = {}
        self.peers = False
        gauges = folder / "gauges"
        gauges.mkdir(exist_ok=True)
        os.environ[loop_gauge.FOLDER] = str(gauges)

    def start(self, webs: int = 1, workers: int = 1, runs: int = 2000) -> None:
        vendor = self._start("vendor", "-m", "tests.benchmarks.vendor")
        self.vendor_port = vendor.port()
        relay = self._start("relay", "-m", "tests.benchmarks.relay", str(self.vendor_port))
        self.relay_port = relay.port()
        self.environment = {
            "OPENAI_CHAT_API_KEY": "none",
            "OPENAI_CHAT_BASE_URL": f"http://127.0.0.1:{self.vendor_port}/v1",
            "LOG_LEVEL": "WARNING",
        }
        web = ("-m", "tests.benchmarks.web")
        self.web_ports = [self._start("web", *web).port() for _ in range(webs)]
        worker = ("-m", "tests.benchmarks.answering", "--concurrency", str(runs))
        known = Worker.objects.count()
        for _ in range(workers):
            self._start("worker", *worker)
        eventually(lambda: Worker.objects.count() == known + workers, within=120)

    def listeners(self, count: int) -> None:
        if count:
            self._start("listeners", "-m", "tests.benchmarks.listeners", str(count)).line()

    def _start(self, name: str, *arguments: str) -> Child:
        return self._run(name, sys.executable, *arguments)

    def _run(self, name: str, *command: str) -> Child:
        child = Child(*command, log=self.folder / f"{name}.log", **self.environment)
        self.children.setdefault(name, []).append(child)
        return child

    @contextmanager
    def beside(self, name: str, *command: str) -> Iterator[int]:
        """Runs a program for a while; gives its port."""
        child = self._run(name, *command)
        try:
            yield child.port()
        finally:
            child.stop()
            del self.children[name]

    def swarm(self, plan: dict[str, Any]) -> Child:
        log = self.folder / "swarm.log"
        child = Child(sys.executable, "-m", "tests.benchmarks.swarm", log=log)
        self.children["swarm"] = [child]
        assert child.popen.stdin
        self.seen = self.folder / "seen.json"
        child.popen.stdin.write(json.dumps(plan | {"seen": str(self.seen)}) + "\n")
        child.popen.stdin.flush()
        return child

    def cpu(self) -> dict[str, float]:
        """Seconds used so far, by kind of process."""
        used = {
            name: sum(spent_by_all(child.process) for child in children)
            for name, children in self.children.items()
        }
        return used | {"postgres": sum(map(spent, postgres()))}

    def web_memory(self) -> int:
        return sum(child.process.memory_info().rss for child in self.children["web"])

    def web_threads(self) -> int:
        return sum(child.process.num_threads() for child in self.children["web"])

    def __enter__(self) -> House:
        return self

    def __exit__(self, *_: object) -> None:
        for children in reversed(self.children.values()):
            for child in children:
                child.stop()
        self.children.clear()


def spent(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def spent_by_all(process: psutil.Process) -> float:
    """Returns the CPU time of these processes and of their living children."""
    try:
        started = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return 0.0
    return sum(map(spent, [process, *started]))


def postgres() -> Iterator[psutil.Process]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = psutil.Process(cursor.fetchone()[0])
    postmaster = backend.parent()
    assert postmaster
    yield postmaster
    yield from postmaster.children(recursive=True)
