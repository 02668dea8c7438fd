"""Readers go away in the middle of an answer: it goes on, and is read whole later."""

from __future__ import annotations

from contextlib import aclosing

import pytest
from asgiref.sync import sync_to_async

from streams import log
from streams.log import transcript
from streams.models import Run
from tests.client import Client
from tests.processes import WorkerProcess
from tests.worker.test_process import until

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_disconnect_is_no_cancel(standing, spawn, conversation, laptop, phone):
    web = standing()
    spawn(WorkerProcess)
    reader, other = await Client.of(laptop), await Client.of(phone)
    other.gapless = False
    await sync_to_async(conversation.change)(laptop, model="scripted:count-150@100")
    run = (await sync_to_async(conversation.post)("Count", laptop))[1]
    place = f"/c/{conversation.uuid}/events"
    await drop_in_mid_answer(reader, web.url, place)
    await drop_in_mid_answer(other, web.url, f"/runs/{run.uuid}/events")
    await until(lambda: has_ended(run))

    assert (run.status, run.cancel_requested_at, run.attempt) == ("completed", None, 1)
    async with aclosing(reader.read(web.url, place, by_header=True)) as events:
        async for event in events:
            if event.event == "run.completed":
                break
    rows = await sync_to_async(log.rows_after)(conversation.pk)
    assert transcript.fold(rows).as_dict() == reader.transcript.as_dict()
    assert len(reader.transcript.messages[1].blocks[0]["text"].split()) >= 150


async def drop_in_mid_answer(client, url, path):
    """Closes the connection at the first words."""
    async with aclosing(client.read(url, path)) as events:
        async for event in events:
            if event.event == "block.delta":
                return
    raise AssertionError("the stream ended before any word")


@sync_to_async
def has_ended(run):
    run.refresh_from_db()
    return run.status not in Run.OPEN
