from __future__ import annotations

import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections


@pytest_asyncio.fixture(autouse=True)
async def _close_the_connection_of_the_event_loops_other_half():
    """sync_to_async works in a thread of its own, whose connection nobody else closes."""
    yield
    await sync_to_async(connections.close_all)()
