from __future__ import annotations

import pytest

from tests.processes import Web


@pytest.fixture(scope="package")
def _webs(django_db_setup):
    started: dict[tuple, Web] = {}

    def web(number=1, **environment):
        known = (number, *environment.items())
        return started.get(known) or started.setdefault(known, Web(**environment))

    yield web
    for process in started.values():
        process.stop()


@pytest.fixture
def standing(_webs, settled):
    """Web processes for tests that leave them as they were; a start is a second of a core."""
    return _webs


@pytest.fixture(autouse=True)
def _other_half(other_half):
    """Most tests here ask the ORM from an event loop."""
