from __future__ import annotations

import json
import socket

import openai
import pytest

from streams.models import Device, Run, Worker
from tests.processes import Process, WorkerProcess, eventually

from .clients import CLIENTS, installed
from .model_server import ToldModel
from .openai_client import MODEL
from .witnesses.witness import WITNESSES, Asked

# A worker whose row was deleted with those of a test writes it again with its next beat; and an
# answer may lose as many workers as there are kills.
QUICK = {"heartbeat": 0.5, "max_attempts": 1000}
BOTH = ["image", "pdf"]


def pytest_collection_modifyitems(config, items):
    if config.getoption("--earlier-clients"):
        return
    for item in items:
        if item.get_closest_marker("earlier"):
            item.add_marker(pytest.mark.skip(reason="a client of before: --earlier-clients"))


class Web(Process):
    """A web process on a socket of the tests', which outlives it: a client that connects while
    there is no process waits for the next one.
    """

    def __init__(self, listening: socket.socket, **environment: str) -> None:
        super().__init__(
            *("-m", "uvicorn", "chatstream.asgi:application", "--fd", "{0}"),
            *("--no-access-log", "--timeout-graceful-shutdown", "5"),
            descriptors=(listening.fileno(),),
            **environment,
        )
        self.wait_for("running on")


class Crew:
    """One web process and one worker for all tests here: their start costs more than most tests.

    `told` is the model that both know, `url` the address of every web process; the worker is there
    from the first call of `worker` on, and again after one was killed or dismissed.
    """

    def __init__(self, told):
        self.told = told
        model = {"url": f"{told.url}/v1", "key": "k", "menu": ["told"], "takes": {"told": BOTH}}
        self.settings = {"STREAMS": json.dumps({"models": {"openai-chat": model}, **QUICK})}
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.web = Web(self.listening, **self.settings)
        self._worker = None

    def kill_web(self):
        self.web.kill()
        self.web = Web(self.listening, **self.settings)

    def kill_worker(self):
        self.worker().kill()
        self._worker = None

    @property
    def works(self):
        return self._worker is not None and self._worker.popen.poll() is None

    def worker(self):
        if not self.works:
            self._worker = WorkerProcess(**self.settings)
        return self._worker

    def dismiss(self):
        if self._worker:
            self._worker.end()

    def stop(self):
        self.dismiss()
        self.web.stop()
        self.listening.close()


@pytest.fixture(scope="package")
def _crew(django_db_setup, django_db_blocker):
    with ToldModel() as told, django_db_blocker.unblock():
        crew = Crew(told)
        yield crew
        crew.stop()


@pytest.fixture
def crew(_crew, settled):
    """Nothing of a test is under way when the next one begins."""
    yield _crew
    _crew.told.forget()
    for run in Run.objects.filter(status__in=Run.OPEN):
        run.cancel(None)
    if _crew.works:
        eventually(lambda: not Run.objects.filter(status__in=Run.OPEN).exists())


@pytest.fixture
def told(crew):
    return crew.told


@pytest.fixture
def worker(crew):
    standing = crew.worker()
    eventually(lambda: Worker.objects.alive().exists())
    return standing


@pytest.fixture
def web(crew, worker):
    return crew


@pytest.fixture
def token(anna):
    return Device.issue_token(anna.pk, "Script")[1]


@pytest.fixture
def foreign(bert):
    return Device.issue_token(bert.pk, "Theirs")[1]


def client_of(web, token):
    return openai.OpenAI(base_url=f"{web.url}/v1", api_key=token, max_retries=0, timeout=30)


@pytest.fixture
def client(web, token):
    with client_of(web, token) as client:
        yield client


@pytest.fixture
def foreign_client(web, foreign):
    with client_of(web, foreign) as client:
        yield client


@pytest.fixture
def witness(web, token, told):
    """Asks as one of the witnesses, or joins as one; all are ended with the test."""
    for name in CLIENTS.keys() - {"node", "ai-6"}:
        installed(name)
    told.to_all()
    asked = []

    def ask(name, prompt="", joins=""):
        made = Asked(web.url, token, prompt or name, MODEL, joins)
        asked.append(WITNESSES[name](made))
        return asked[-1]

    yield ask
    for each in asked:
        each.end()
