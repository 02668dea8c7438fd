"""The tutorial, by somebody who has nothing else: its commands are typed, its files written."""

from __future__ import annotations

import difflib
import os
import re
import signal
import subprocess

import httpx
import pytest

from tests.docs.pages import DOCS
from tests.processes import Process, eventually, free_port
from tests.wheel import Environment, inherited

BLOCKS = re.findall(
    r"^```(console|python|html)\n(.*?)^```",
    (DOCS / "tutorial.md").read_text(),
    flags=re.MULTILINE | re.DOTALL,
)
pytestmark = pytest.mark.early
PASSWORD = "only-for-the-tutorial"
SUMMARY = """
from django.contrib.auth import get_user_model
from django.test import Client
from streams.providers import registry
client = Client(headers={"host": "localhost"})
client.force_login(get_user_model().objects.get())
page = client.get("/summary/", follow=True)
assert b"<h1>Your summary</h1>" in page.content and b"Summarise the news" in page.content
print(registry.default_model(), page.status_code)
"""


class Terminal(Process):
    """A command that stays, in a terminal of its own: Ctrl-C reaches all that it has started."""

    def __init__(self, command, folder, environment):
        self.watch(["bash", "-c", command], cwd=folder, env=environment, start_new_session=True)

    def interrupt(self):
        os.killpg(self.popen.pid, signal.SIGINT)
        return self.popen.wait(30)


class Newcomer:
    """Types what stands in the blocks, one after the other, in a folder of their own."""

    def __init__(self, folder, wheel):
        self.folder, self.wheel = folder, wheel
        self.terminals = []
        self.before = {}
        self.port = free_port()

    def follow(self, kind, block):
        if kind == "console":
            for line in block.splitlines():
                assert line.startswith("$ ")
                self.type(line.removeprefix("$ "))
        else:
            self.write(*block.split("\n", 1))

    def type(self, command):
        if command.startswith("python -m venv"):
            return  # made with what is installed in it
        if command.startswith("pip install"):
            extras = re.fullmatch(r'pip install "chatstream\[([\w,]+)\]"', command)[1].split(",")
            self.environment = Environment(self.folder / ".venv", self.wheel, *extras)
        elif command.startswith(("uvicorn", "python manage.py runworker")):
            address = f" --port {self.port}" * command.startswith("uvicorn")
            stays = f"exec {command}{address}"
            self.terminals.append(Terminal(stays, self.folder, self.variables()))
        else:
            self.run(command)
        if command.startswith("django-admin startproject"):
            self.before = {path: path.read_text() for path in self.folder.glob("mysite/*.py")}

    def run(self, command):
        command += " --noinput" * command.startswith("python manage.py createsuperuser")
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.variables(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def write(self, where, text):
        path, _, how = where.removeprefix("# ").partition(", ")
        path = path.removeprefix("<!-- ").removesuffix(" -->")
        (self.folder / path).parent.mkdir(exist_ok=True)
        with (self.folder / path).open("a" if how == "at the end" else "w") as file:
            file.write(text)

    def variables(self):
        return inherited() | {
            "PATH": f"{self.environment.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "ANTHROPIC_API_KEY": "a-key",
        }

    def lines_added(self):
        """Lines of code that the files have and `startproject` has not written."""
        added = []
        for path, before in self.before.items():
            both = (text.replace("'", '"').splitlines() for text in (before, path.read_text()))
            added += [line[2:] for line in difflib.ndiff(*both) if line.startswith("+ ")]
        return [line for line in added if line.strip()]


@pytest.fixture
def newcomer(tmp_path, wheel):
    newcomer = Newcomer(tmp_path, wheel)
    yield newcomer
    for terminal in newcomer.terminals:
        if terminal.popen.poll() is None:
            terminal.interrupt()


def test_five_lines_lead_from_startproject_to_a_streaming_answer(newcomer):
    steps = iter(BLOCKS)
    while len(newcomer.terminals) < 2:
        newcomer.follow(*next(steps))
    assert len(newcomer.lines_added()) == 5
    web, worker = newcomer.terminals
    asks_and_stops(f"http://127.0.0.1:{newcomer.port}", web)
    for terminal in (web, worker):
        terminal.interrupt()
    assert not (newcomer.folder / "data" / "postgres" / "postmaster.pid").exists()

    for step in steps:
        newcomer.follow(*step)
    chosen, shown = newcomer.run(f"python manage.py shell --no-imports -c '{SUMMARY}'").split()
    assert chosen.startswith("anthropic:")
    assert shown == "200"


def asks_and_stops(url, web):
    """Asks and stops as the two pages do that the tutorial names."""
    with httpx.Client(base_url=url, follow_redirects=True, timeout=30) as client:
        eventually(lambda: web.popen.poll() is not None or answers(client))
        form = {"username": "anna", "password": PASSWORD, "next": "/assistant/"}
        page = client.post("/admin/login/", data=form | token(client))
        assert (page.status_code, page.url.path) == (200, "/assistant/c/")
        asked = {"content": "How do you survive a refresh?"}
        headers = {"Accept": "application/json", "X-CSRFToken": client.cookies["csrftoken"]}
        made = client.post("/assistant/c/", json=asked, headers=headers).json()
        with client.stream("GET", made["url"] + "events") as stream:
            assert stream.status_code == 200
            shown = 0
            for line in stream.iter_lines():
                shown += line == "event: block.delta"
                if shown == 5 and line == "event: block.delta":
                    run = client.get(made["url"], headers=headers).json()["runs"][0]["id"]
                    client.post(f"/assistant/runs/{run}/cancel", headers=headers)
                if line == "event: run.cancelled":
                    return
    pytest.fail("the stream ended before its answer was stopped")


def answers(client):
    try:
        return client.get("/admin/login/").status_code == 200
    except httpx.ConnectError:
        return False


def token(client):
    return {"csrfmiddlewaretoken": client.cookies["csrftoken"]}
