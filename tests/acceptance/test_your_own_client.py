"""The commands and code of docs/client.md work as they are printed there."""

from __future__ import annotations

import os
import re
import signal
import subprocess

import pytest
from django.conf import settings

from tests.factories import UserFactory
from tests.processes import WorkerProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def commands():
    text = (settings.BASE_DIR / "docs" / "client.md").read_text()
    found = re.search(r"```sh\n(.*?)```", text, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def shell(tmp_path):
    started = []

    def run(commands):
        popen = subprocess.Popen(
            ["bash", "-euc", commands],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(popen)
        return popen

    yield run
    for popen in started:
        os.killpg(popen.pid, signal.SIGKILL)
        popen.communicate()


def test_a_few_lines_of_curl_sign_in_ask_and_follow(standing, spawn, shell, commands):
    UserFactory(username="demo", password="demo")
    web = standing(1)
    spawn(WorkerProcess)

    talk = shell(commands.replace("http://127.0.0.1:8000", web.url))

    told = []
    for line in talk.stdout:
        told.append(line.strip())
        if line.startswith("event: block.delta"):
            break
    assert '{"username": "demo"}' in told[0]
    assert [line for line in told if re.match(r"event: .*\.", line)] == [
        "event: message.created",
        "event: run.queued",
        "event: run.started",
        "event: block.started",
        "event: block.delta",
    ]
