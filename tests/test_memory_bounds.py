"""Memory that a process holds for clients is bounded, whatever they do."""

from __future__ import annotations

import dataclasses

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction

from streams import log
from streams.conf import Settings
from streams.models import Conversation
from streams.realtime.hub import Hub
from streams.realtime.presence import NOBODY, Beat, Presence


@sync_to_async
def written(conversation, rows, title=""):
    events = [log.NewEvent("conversation.updated", {"title": f"{n}{title}"}) for n in range(rows)]
    with transaction.atomic():
        Conversation.lock(conversation.pk).append(*events)
    connections.close_all()


@pytest.mark.django_db(transaction=True)
async def test_a_clients_past_is_read_a_page_at_a_time(conversation):
    await written(conversation, 10)
    assert await pages_of(conversation, catch_up_rows=4) == [4, 4, 2]


@pytest.mark.django_db(transaction=True)
async def test_a_page_of_long_prompts_is_short(conversation):
    await written(conversation, 5, "x" * 50)
    assert await pages_of(conversation, catch_up_bytes=100) == [2, 2, 1]


@pytest.mark.django_db(transaction=True)
async def test_a_page_of_prompts_that_could_be_packed_to_nothing_is_as_short(conversation):
    await written(conversation, 5, "x" * 50_000)
    assert await pages_of(conversation, catch_up_bytes=100_000) == [2, 2, 1]


async def pages_of(conversation, **bounds):
    hub = Hub(Settings(**bounds))
    await hub.pool.open()
    try:
        pages, cursor, more = [], 0, True
        while more:
            rows, more = await hub.catch_up(conversation.pk, cursor)
            pages.append(len(rows))
            cursor = rows[-1].seq if rows else cursor
    finally:
        await hub.pool.close()
    return pages


async def test_only_so_many_devices_are_known_to_be_here_and_the_known_may_go_on():
    presence = Presence(Settings(presence_most=3), None, lambda _: None)
    beats = [Beat(place, f"device {n}", "x", "phone") for place in (1, 2) for n in range(50)]
    for beat in beats:
        presence.say(beat)
    presence.say(dataclasses.replace(beats[0], typing=True))
    assert presence.frame(1).count(b'"id"') == 3
    assert b'"typing":true' in presence.frame(1)
    presence.expire()
    assert presence.frame(2) == NOBODY
    assert set(presence._here) == {1}
