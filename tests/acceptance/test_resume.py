"""A client that drops and resumes on any process has always applied a prefix of the log."""

from __future__ import annotations

import asyncio
import random

import httpx
import pytest
from asgiref.sync import sync_to_async

from streams import log
from streams.log import transcript
from streams.models import Event
from tests.client import Client
from tests.factories import ConversationFactory
from tests.processes import Web, WorkerProcess

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS, RUNS = 50, 10


async def test_clients_that_drop_and_resume_at_random_end_with_the_database(spawn, anna, laptop):
    webs = [spawn(Web), spawn(Web)]
    spawn(WorkerProcess)
    conversations = [
        await sync_to_async(ConversationFactory)(owner=anna, model="scripted:count-400@100")
        for _ in range(RUNS)
    ]
    cookies = (await Client.of(laptop)).cookies
    clients = [Client(cookies) for _ in range(CLIENTS)]
    pairs = list(zip(clients, conversations * (CLIENTS // RUNS), strict=True))
    following = [
        asyncio.create_task(follow(random.Random(n), *pair, webs)) for n, pair in enumerate(pairs)
    ]
    for conversation in conversations:
        await sync_to_async(conversation.post)("Count", laptop)
    async with asyncio.timeout(60):
        drops = await asyncio.gather(*following)
    assert sum(drops) > CLIENTS
    for client, conversation in pairs:
        await assert_equal(client, conversation)


async def follow(chance, client, conversation, webs):
    """Read a while, drop, come back elsewhere, until the run has ended; how often it dropped."""
    drops = 0
    path = f"/c/{conversation.uuid}/events"
    while True:
        patience = chance.randrange(1, 60)
        try:
            async for event in client.read(
                chance.choice(webs).url, path, by_header=chance.random() < 0.5
            ):
                if event.event == "run.completed":
                    return drops
                patience -= 1
                if not patience:
                    break
        except httpx.TransportError:
            pass
        drops += 1
        await asyncio.sleep(chance.choice((0, 0.01, 0.2)))


@sync_to_async
def assert_equal(client, conversation):
    rows = Event.objects.filter(conversation_id=conversation.pk).order_by("seq")
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert client.transcript.as_dict() == transcript.fold(log.rows_after(conversation.pk)).as_dict()
    answer = conversation.messages.get(role="assistant")
    assert client.transcript.messages[1].blocks == answer.blocks
    assert len(answer.text.split()) == 400
