from __future__ import annotations

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections

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


@pytest_asyncio.fixture(autouse=True)
async def _close_the_connection_of_the_event_loops_other_half():
    """sync_to_async works in a thread of its own, whose connection nobody else closes."""
    yield
    await sync_to_async(connections.close_all)()
