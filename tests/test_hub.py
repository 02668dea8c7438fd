"""The hub: nothing falls between a question to the table and what is heard from then on."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from streams.conf import conf
from streams.hub import Hub

pytestmark = pytest.mark.django_db(transaction=True)

# Nothing is found by looking again later.
ONCE = {"rescan": 600, "polling": 600}


async def test_what_came_between_being_let_in_and_joining_is_found_at_once(conversation, laptop):
    await sync_to_async(conversation.post)("Hello", laptop)
    hub = Hub(dataclasses.replace(conf(), **ONCE))
    await hub.start()
    try:
        async with asyncio.timeout(20):
            while hub.listener.deaf:
                await asyncio.sleep(0.01)
            stream = hub.join(conversation.pk, 1, 1, laptop.pk, laptop.user_id)
            async for data in stream.frames():
                if b"id: 2\n" in data:
                    break
        hub.leave(stream)
    finally:
        await hub.close()
        await sync_to_async(connections.close_all)()
