"""Answers in OpenAI's background mode are requested once, whatever process or connection fails."""

from __future__ import annotations

import asyncio
import dataclasses
from unittest.mock import ANY

import pytest
from asgiref.sync import sync_to_async

from streams import log
from streams.conf import conf
from streams.log import transcript
from streams.models import Run
from streams.models import Worker as WorkerRow
from streams.providers import registry
from streams.worker.process import Worker
from tests.factories import ConversationFactory, WorkerFactory
from tests.providers.background_vendor import BackgroundVendor

from .in_process_worker import QUICK, assert_whole, fresh, post, status, until, working

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("other_half")]


@pytest.fixture
async def vendor(settings):
    async with BackgroundVendor(words=60, pace=0.02) as vendor:
        given = {"key": "k", "url": f"{vendor.url}/v1", "options": {"background": True}}
        settings.STREAMS = {**settings.STREAMS, "models": {"openai": given}}
        yield vendor
        await registry.aclose()


@sync_to_async
def conversation_of(person, model="openai:m"):
    return ConversationFactory(owner=person, model=model)


async def test_a_worker_that_dies_at_ten_tokens_leaves_answers_asked_for_once(anna, vendor):
    """Each of ten answers is at another token."""
    places = range(5, 55, 5)
    vendor.held_at = {f"resp_{number}": place for number, place in enumerate(places, 1)}
    dead = Worker(dataclasses.replace(conf(), **QUICK))
    running = asyncio.create_task(dead.run())
    runs = [await post(await conversation_of(anna), None) for _ in range(10)]
    await until(lambda: have_said(runs, list(places)))
    for runner in dead.running.values():  # as a kill does: nothing more is written
        runner._streaming.cancel()
        runner.lease.token -= 1000
    running.cancel()
    await asyncio.wait({running})
    await sync_to_async(lose)()
    vendor.go_on.set()
    async with working():
        for run in runs:
            await status(run, "completed")
            await assert_whole(run)
            assert (await fresh(run)).answer.text == vendor.text
    assert len(vendor.asked) == 10
    assert len(vendor.read) == 10
    assert not vendor.cancelled


@sync_to_async
def have_said(runs, places):
    rows = [log.run_rows(run.conversation_id, run.pk) for run in runs]
    return sorted(str(transcript.blocks_of(each)).count("word") for each in rows) == places


def lose():
    """Leaves the rows of a killed worker: running runs, and no heartbeat."""
    WorkerRow.objects.all().delete()


async def test_a_cancel_stops_the_answer_there(anna, vendor):
    async with working():
        run = await post(await conversation_of(anna), None)
        await until(lambda: has_begun(run))
        await sync_to_async(cancel)(run)
        await status(run, "cancelled")
        async with asyncio.timeout(10):
            while not vendor.cancelled:
                await asyncio.sleep(0.01)
    assert vendor.cancelled == ["resp_1"]


async def has_begun(run):
    return (await fresh(run)).first_token_at


def cancel(run):
    Run.objects.get(pk=run.pk).cancel(None)


async def test_a_worker_that_leaves_leaves_the_answer_to_the_next(anna, vendor, settings):
    settings.STREAMS = {**settings.STREAMS, "agents": {"far": "tests.worker.agents.far"}}
    models = ("openai:m", "agent:far")
    async with working(drain=0.0):
        runs = [await post(await conversation_of(anna, model), None) for model in models]
        await until(lambda: all_begun(runs))
    for run in runs:
        now = await fresh(run)
        assert (now.status, now.usage) == ("queued", {})  # it will be told what all of it took
    async with working():
        for run in runs:
            done = await status(run, "completed")
            assert done.answer.text == vendor.text
            assert done.usage == {"input_tokens": 3, "output_tokens": 60}
    assert len(vendor.asked) == 2
    assert not vendor.cancelled


async def test_what_went_on_there_unheard_is_counted_by_estimate(anna, vendor, settings):
    """It has begun, and costs, however little of it was shown when its silence was too long."""
    vendor.pace = 60.0
    run = await post(await conversation_of(anna), None)
    soon = dict.fromkeys(("first_token_timeout", "next_token_timeout", "thinking_timeout"), 0.5)
    async with working(**soon):
        failed = await status(run, "failed")
    assert failed.error_code == "timeout"
    assert failed.usage == {"input_tokens": 2, "output_tokens": 0, "estimated": True}
    assert vendor.cancelled == ["resp_1"]


async def test_an_answer_whose_run_ended_without_its_worker_is_stopped_there(anna, vendor):
    """By a stop of what was handed back, and by one that the next worker grants."""
    async with working(drain=0.0):
        runs = [await post(await conversation_of(anna), None) for _ in range(3)]
        await until(lambda: all_begun(runs))
    handed_back, asked_to_stop, goes_on = runs
    await sync_to_async(cancel)(handed_back)
    assert (await fresh(handed_back)).status == "cancelled"
    gone = await sync_to_async(WorkerFactory)(stopped_at="2000-01-01T00:00Z")
    lost = Run.objects.filter(pk=asked_to_stop.pk)
    await lost.aupdate(status="running", worker=gone, cancel_requested_at="2000-01-01T00:00Z")
    async with working():
        await status(asked_to_stop, "cancelled")
        await status(goes_on, "completed")
        await until(lambda: nothing_is_left(handed_back, asked_to_stop))
    assert sorted(vendor.cancelled) == ["resp_1", "resp_2"]
    assert len(vendor.asked) == 3
    for stopped in (handed_back, asked_to_stop):  # what it wrote until then costs
        usage = (await fresh(stopped)).usage
        assert usage == {"input_tokens": 2, "output_tokens": ANY, "estimated": True}
        assert usage["output_tokens"] > 0


async def all_begun(runs):
    return all([await has_begun(run) for run in runs])


async def nothing_is_left(*runs):
    return not any([(await fresh(run)).upstream for run in runs])
