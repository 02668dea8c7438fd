from __future__ import annotations

import openai
import pytest

from streams.models import Device
from tests.processes import Web, WorkerProcess

from .told_model import ToldModel


def pytest_collection_modifyitems(config, items):
    if config.getoption("--earlier-clients"):
        return
    for item in items:
        if item.get_closest_marker("earlier"):
            item.add_marker(pytest.mark.skip(reason="a client of before: --earlier-clients"))


@pytest.fixture
def told():
    with ToldModel() as model:
        yield model


@pytest.fixture
def models(told):
    url = {"OPENAI_CHAT_BASE_URL": f"{told.url}/v1"}
    return url | {"OPENAI_CHAT_API_KEY": "k", "OPENAI_CHAT_MODELS": "told"}


@pytest.fixture
def worker(spawn, models):
    process = spawn(WorkerProcess, **models)
    process.models = models
    return process


@pytest.fixture
def web(spawn, models, worker):
    return spawn(Web, **models)


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
