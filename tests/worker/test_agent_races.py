"""Races in agents' runs: decisions, waiting, prompts that join, stops and ends at the same instant.

`--races` times each, or else as often as their marks say.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from streams import log
from streams.api import run as api
from streams.exceptions import AlreadyDecided
from streams.models import Conversation, Event, Run, ToolCall
from streams.postgres.connections import connect
from streams.worker import claim
from tests.client import Client
from tests.factories import ConversationFactory, WorkerFactory

from . import agents
from .agent_runs import same_as_page
from .agents import calls, says
from .in_process_worker import assert_whole, fresh, status, until, working

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("other_half"),
]


@pytest.fixture
def conversation(working_on):
    return working_on


def new_call(block):
    return log.NewCall(
        uuid=uuid.uuid4(), step=1, block=block, call_id=f"c{block}", vendor_id="c", name="pay",
        arguments="{}", key=uuid.uuid4(), repeat="never", client=False, status="waiting",
    )  # fmt: skip


async def with_waiting_calls(raw, worker, run, count=1):
    """A claimed run whose first step has ended with calls that wait; returns the claim."""
    (claimed,) = await claim.claim(raw, worker, 1)
    step = log.EndedStep(1, "tool_call", {}, "p", "m", [], 0)
    made = [new_call(n) for n in range(count)]
    told = [
        {"id": str(c.uuid), "call_id": c.call_id, "name": c.name, "block": c.block} for c in made
    ]
    begun = [
        {"index": n, "kind": "tool_call", "name": "pay", "call_id": f"c{n}"} for n in range(count)
    ]
    blocks = [{**block, "text": ""} for block in begun]
    events = [claimed.noted("step.started", log.Ledger(began=1), step=1)]
    for block in blocks:
        events.append(
            claimed.event("block.started", **{k: v for k, v in block.items() if k != "text"})
        )
    ledger = log.Ledger(ended=step, answer=log.AnswerSoFar(run.answer_id, blocks, {}), made=made)
    ended = {"step": 1, "stop_reason": "tool_call", "usage": {}, "calls": told}
    events.append(claimed.noted("step.ended", ledger, **ended))
    events += [
        claimed.event("tool.waiting", call_id=c.call_id, id=str(c.uuid), name="pay", arguments="{}",
                      client=False)
        for c in made
    ]  # fmt: skip
    await log.append(raw, [log.Append(run.conversation_id, events, claimed.token)])
    return claimed


def pauses(claimed):
    """What a worker writes that has nothing left to do but to wait."""
    change = log.RunChange(claimed.run_id, status="waiting")
    event = claimed.event("run.waiting", attempt=claimed.attempt)
    return log.Append(claimed.conversation_id, [event], claimed.token, change)


@pytest.mark.races(40)
async def test_a_run_never_waits_with_nothing_undecided(anna, laptop, races):
    raw, worker = await connect("races"), await sync_to_async(WorkerFactory)()
    loop, pool = asyncio.get_running_loop(), ThreadPoolExecutor(1)
    dice, waited = random.Random(1), 0

    def decide(call, after):
        time.sleep(after)
        return call.decide("approved", laptop)

    await loop.run_in_executor(pool, Run.objects.count)  # connected
    for _ in range(races):
        here = await sync_to_async(ConversationFactory)(owner=anna)
        _, run, _ = await sync_to_async(here.post)("Pay", laptop)
        claimed = await with_waiting_calls(raw, worker.pk, run)
        call = await ToolCall.objects.select_related("run__conversation").aget(run=run)
        deciding = loop.run_in_executor(pool, decide, call, dice.random() * 0.004)
        await asyncio.sleep(dice.random() * 0.012)
        while (await log.append(raw, [pauses(claimed)]))[0].verdict != "ok":
            await asyncio.sleep(0.001)
        await deciding
        now, here = await fresh(run), await Conversation.objects.aget(pk=here.pk)
        assert (now.status, here.undecided, here.active_run_id) == ("queued", 0, None)
        types = [e.type async for e in Event.objects.filter(run_id=run.pk).order_by("seq")]
        waited += "run.waiting" in types
        assert types[-1] in ("run.queued", "tool.decided")
        assert types.count("run.queued") == 2
        await same_as_page(here)
        await Run.objects.filter(pk=run.pk).aupdate(status="cancelled")
    await raw.close()
    await loop.run_in_executor(pool, connections.close_all)
    pool.shutdown()
    assert 0 < waited < races  # both orders were met


@pytest.mark.races(20)
async def test_of_two_devices_that_decide_at_once_one_has_decided(anna, laptop, phone, races):
    raw, worker = await connect("races"), await sync_to_async(WorkerFactory)()
    pool, loop, barrier = ThreadPoolExecutor(2), asyncio.get_running_loop(), Barrier(2)

    def decide(call, decision, device):
        barrier.wait()
        try:
            return call.decide(decision, device)
        except AlreadyDecided:
            return None
        finally:
            connections.close_all()

    for _ in range(races):
        here = await sync_to_async(ConversationFactory)(owner=anna)
        _, run, _ = await sync_to_async(here.post)("Pay", laptop)
        claimed = await with_waiting_calls(raw, worker.pk, run)
        await log.append(raw, [pauses(claimed)])
        call = await ToolCall.objects.select_related("run__conversation").aget(run=run)
        both = await asyncio.gather(
            loop.run_in_executor(pool, decide, call, "approved", laptop),
            loop.run_in_executor(pool, decide, call, "denied", phone),
        )
        (won,) = [each for each in both if each]
        stands = await ToolCall.objects.aget(pk=call.pk)
        assert (stands.decision, stands.device) == (won.decision, won.device)
        assert await Event.objects.filter(run_id=run.pk, type="tool.decided").acount() == 1
        assert (await fresh(run)).status == "queued"
        await Run.objects.filter(pk=run.pk).aupdate(status="cancelled")
    await raw.close()
    pool.shutdown()


@pytest.mark.races(10)
async def test_a_prompt_that_joins_is_answered_once_and_in_order(
    script, conversation, laptop, races
):
    """However it meets the steps, the end and a stop of the run that it is to join."""
    dice, joined, here = random.Random(2), 0, conversation
    async with working(concurrency=5):
        for nth in range(races):
            if nth % 10 == 0:  # a long past would be told with each
                known = {"owner": conversation.owner, "model": conversation.model}
                here = await sync_to_async(ConversationFactory)(**known, on_busy="steer")
                steered = 0
            script.steps = [*(calls(("look", f"{nth}"), first=n) for n in range(2)), says("Done.")]
            posted = await post_all(here, laptop, dice, nth)
            for run in posted:
                await status(run, "completed", "cancelled", "steered")
            steered += sum([(await fresh(run)).status == "steered" for run in posted])
            await all_in_order(posted)
            page = await same_as_page(here)
            assert sum(1 for m in page.messages if m.role == "user" and m.into) == steered
            joined += steered
    assert joined > 0


async def post_all(conversation, device, dice, nth):
    """A prompt, two that are to join its answer, and now and then a stop."""
    posted = []
    for n in range(3):
        _, run, _ = await sync_to_async(conversation.post)(f"{nth}.{n}", device)
        posted.append(run)
        await asyncio.sleep(dice.random() * 0.04)
        if dice.random() < 0.15:
            await sync_to_async(posted[0].cancel)(device)
    return posted


async def all_in_order(posted):
    for run in posted:
        now = await fresh(run)
        if now.status == "steered":
            into = await Run.objects.aget(pk=now.into_id)
            assert into.pk < now.pk
            assert into.status in ("completed", "cancelled")
        elif now.status == "completed":
            assert now.answer.blocks
    ranks = [run.pk for run in posted]
    started = Event.objects.filter(run_id__in=ranks, type="run.started").order_by("seq")
    order = [row.run_id async for row in started]
    assert order == sorted(order)


async def test_a_steering_prompt_is_told_to_the_model_with_the_next_step(
    script, conversation, laptop
):
    await Conversation.objects.filter(pk=conversation.pk).aupdate(on_busy="steer")
    await conversation.arefresh_from_db()
    agents.holding["slow"] = asyncio.Event()
    script.then(calls(("act", "slow")), says("Both done."))
    async with working():
        _, run, _ = await sync_to_async(conversation.post)("Begin", laptop)

        async def called():
            return agents.done["slow"]

        await until(called)
        _, joining, _ = await sync_to_async(conversation.post)("And be quick", laptop, "key")
        _, second, _ = await sync_to_async(conversation.post)("Really", laptop)
        agents.holding["slow"].set()
        await status(run, "completed")
    assert [part.text for part in script.prompts[1].turns[-1].parts] == [
        "slow is done", "And be quick", "Really",
    ]  # fmt: skip
    for each in (joining, second):
        now = await fresh(each)
        assert (now.status, now.into_id, now.at_block) == ("steered", run.pk, 1)
    again = await sync_to_async(conversation.post)("And be quick", laptop, "key")
    assert again[1:] == (run, False)
    await assert_whole(run)
    page = await same_as_page(conversation)
    assert [m.at_block for m in page.messages if m.into] == [1, 1]
    own = [event async for event in api.Run(run).follow()]
    steered = [e.data["absorbed"] for e in own if e.type == "run.steered"]
    assert steered == [str(joining.uuid), str(second.uuid)]
    assert own[-1].type == "run.completed"
    absorbed = [event.type async for event in api.Run(joining).follow()]
    assert absorbed == ["run.queued", "run.steered"]
    browser = AsyncClient()
    browser.cookies.load((await Client.of(laptop)).cookies)
    polled = await browser.get(f"/runs/{run.uuid}/events")
    assert polled.content.count(b"event: run.steered") == 2
    ended = await browser.get(f"/runs/{run.uuid}/events?after={own[-1].seq}")
    assert (polled.status_code, ended.status_code) == (200, 204)
