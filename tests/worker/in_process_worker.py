"""A worker in the process of the tests, and queries about its runs."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import asynccontextmanager

from asgiref.sync import sync_to_async

from streams import log
from streams.conf import conf
from streams.log import transcript
from streams.models import Event, Run
from streams.worker.process import Worker

QUICK = {"worker_rescan": 0.05, "lease": 1.0, "heartbeat": 0.2, "drain": 0.2, "flush_floor_ms": 0.0}


@asynccontextmanager
async def working(**settings):
    one = Worker(dataclasses.replace(conf(), **QUICK | settings))
    running = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        one.drain()
        await running


async def until(check, within=30.0):
    """Returns what an awaitable check returns once it is truthy."""
    async with asyncio.timeout(within):
        while not (found := await check()):
            await asyncio.sleep(0.005)
        return found


@sync_to_async
def post(conversation, device, text="Hello"):
    return conversation.post(text, device)[1]


@sync_to_async
def fresh(run):
    return Run.objects.select_related("answer").get(pk=run.pk)


async def is_status(run, *statuses):
    now = await fresh(run)
    return now if now.status in statuses else None


def status(run, *statuses):
    return until(lambda: is_status(run, *statuses))


@sync_to_async
def events(run):
    rows = Event.objects.filter(conversation_id=run.conversation_id).order_by("seq")
    return [(row.seq, row.type) for row in rows]


async def shown(run, text):
    """Returns once `text` is in the log."""

    async def there():
        rows = await sync_to_async(log.run_rows)(run.conversation_id, run.pk)
        blocks = transcript.blocks_of(rows)
        return blocks and blocks[0]["text"] == text

    await until(there)


@sync_to_async
def assert_whole(run):
    """Gapless numbers, one terminal event, and a log that folds to the stored answer."""
    rows = list(Event.objects.filter(conversation_id=run.conversation_id).order_by("seq"))
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    terminal = [row.type for row in rows if row.run_id == run.pk and row.type in Event.TERMINAL]
    now = Run.objects.select_related("answer").get(pk=run.pk)
    assert terminal == [f"run.{now.status}"]
    assert now.ended_at is not None
    told = transcript.blocks_of(log.run_rows(run.conversation_id, run.pk))
    assert now.answer.blocks == told
    now.conversation.refresh_from_db()
    if not now.conversation.runs.filter(status="running").exists():
        assert now.conversation.active_run_id is None
