from __future__ import annotations

import json

import openai
import pytest

from streams.models import Device, Run, Worker
from tests.processes import Web, WorkerProcess, eventually

from .told_model import ToldModel

# A worker whose row was deleted with those of a test writes it again with its next beat.
QUICK = {"STREAMS": json.dumps({"heartbeat": 0.5})}


def pytest_collection_modifyitems(config, items):
    if config.getoption("--earlier-clients"):
        return
    for item in items:
        if item.get_closest_marker("earlier"):
            item.add_marker(pytest.mark.skip(reason="a client of before: --earlier-clients"))


class Crew:
    """One web process and one worker for all tests here: their start costs more than most tests.

    `told` is the model that both know; the worker is there from the first call of `worker` on, and
    again after one was killed or dismissed.
    """

    def __init__(self, told):
        self.told = told
        url = {"OPENAI_CHAT_BASE_URL": f"{told.url}/v1"}
        self.models = url | {"OPENAI_CHAT_API_KEY": "k", "OPENAI_CHAT_MODELS": "told"}
        self.web = Web(**self.models)
        self._worker = None

    @property
    def works(self):
        return self._worker is not None and self._worker.popen.poll() is None

    def worker(self):
        if not self.works:
            self._worker = WorkerProcess(**self.models, **QUICK)
        return self._worker

    def dismiss(self):
        if self._worker:
            self._worker.end()

    def stop(self):
        self.dismiss()
        self.web.stop()


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
    return crew.web


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
