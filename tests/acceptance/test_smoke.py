"""The whole path: a prompt, a worker, rows, a stream."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from streams import log
from streams.log import transcript
from tests.client import Client
from tests.processes import Web, WorkerProcess

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_prompt_is_answered_on_an_open_stream(spawn, conversation, laptop):
    web, worker = spawn(Web), spawn(WorkerProcess)
    client = await Client.of(laptop)
    await sync_to_async(conversation.change)(laptop, model="scripted:count-200@200")
    await sync_to_async(conversation.post)("Hello", laptop)
    types = []
    async for event in client.read(web.url, f"/c/{conversation.uuid}/events"):
        types.append(event.event)
        if event.event == "run.completed":
            break
    assert {"message.created", "run.queued", "run.started", "block.delta"} <= set(types)
    answer = await sync_to_async(lambda: conversation.messages.get(role="assistant"))()
    assert client.transcript.messages[1].blocks == answer.blocks
    rows = await sync_to_async(log.rows_after)(conversation.pk)
    assert transcript.fold(rows).as_dict() == client.transcript.as_dict()
    assert worker.popen.poll() is None
