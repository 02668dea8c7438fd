from __future__ import annotations

import pytest

from streams.models import Device
from tests.processes import Web, WorkerProcess


@pytest.fixture
def web(spawn):
    spawn(WorkerProcess)
    return spawn(Web)


@pytest.fixture
def token(anna):
    return Device.issue_token(anna.pk, "Script")[1]


@pytest.fixture
def foreign(bert):
    return Device.issue_token(bert.pk, "Theirs")[1]
