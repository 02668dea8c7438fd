"""A worker that is lost in every phase of an agent's run, and stays alive as a zombie.

Effects of tools that may not be repeated happen at most once, those of others at least once, and
what nobody knows is said.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction

from streams.exceptions import NotRetryable
from streams.models import Conversation, Run, ToolCall, Worker
from streams.models.call_rerun import run_again

from . import agents
from .agent_runs import async_of, decide, held_up, ledger, same_as_page
from .agents import calls, said, says
from .in_process_worker import assert_whole, fresh, post, status, until, working

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("other_half")]


@pytest.fixture
def conversation(working_on):
    return working_on


@asynccontextmanager
async def two_workers():
    """One that begins, and `lose()`, after which another goes on while the first does not know."""
    async with working() as first:

        async def lose():
            await first.loops.close()  # no heartbeat, no look at what became of its runs
            await first._claiming.acquire()  # and no claim
            lost = Worker.objects.filter(pk=first.heartbeat.worker_id)
            await lost.aupdate(stopped_at="2000-01-01T00:00Z", lost=True)
            await second.enter()
            await until(nobody_is_lost)

        second = Second()
        try:
            yield lose
        finally:
            await second.leave()
            if first._claiming.locked():
                first._claiming.release()


@sync_to_async
def nobody_is_lost():
    """A lost worker holds no running run any more."""
    return not Run.objects.filter(status="running", worker__lost=True).exists()


class Second:
    context = None

    async def enter(self):
        self.context = working()
        await self.context.__aenter__()

    async def leave(self):
        if self.context:
            await self.context.__aexit__(None, None, None)


async def attempts(run):
    now = await fresh(run)
    return now.attempt, now.deaths


async def test_lost_in_a_model_call_only_that_step_begins_again(script, conversation, laptop):
    never = asyncio.Event()
    half = [*said("Half a wor")[:2], never]
    script.then(calls(("act", "a"), text="First. "), half, says("Second."))
    async with two_workers() as lose:
        run = await post(conversation, laptop)
        await until(async_of(lambda: len(script.prompts) == 2))
        await lose()
        ended = await status(run, "completed")
        never.set()  # the zombie would go on

    assert agents.done == {"a": 1}
    texts = [block["text"] for block in ended.answer.blocks]
    assert texts == ["First. ", '{"what": "a"}', "Second."]
    assert script.prompts[1].turns == script.prompts[2].turns
    assert await attempts(run) == (2, 1)
    await assert_whole(run)
    await same_as_page(conversation)


@pytest.mark.parametrize(("tool", "end", "times"), [("act", "unknown", 1), ("look", "ok", 2)])
async def test_lost_while_a_tool_runs(script, conversation, laptop, tool, end, times):
    agents.holding["it"] = asyncio.Event()
    async with two_workers() as lose:
        run = await held_up(script, conversation, laptop, (tool, "it"), ("act", "b"))
        await until(async_of(lambda: agents.done["it"] and agents.done["b"]))
        await until(lambda: has_ended(run, "b"))
        await lose()
        await until(async_of(lambda: agents.done["it"] == times))
        agents.holding["it"].set()  # the zombie's tool returns as well
        await status(run, "completed")

    assert agents.done == {"it": times, "b": 1}
    assert await ledger(run) == [(tool, end), ("act", "ok")]
    assert len(set(agents.keys["it"])) == 1
    await assert_whole(run)
    await same_as_page(conversation)


@sync_to_async
def has_ended(run, what):
    return ToolCall.objects.filter(run=run, result=f"{what} is done").exists()


async def test_a_result_that_was_not_written_is_unknown_and_the_zombies_is_refused(
    script, conversation, laptop
):
    agents.holding["it"] = asyncio.Event()
    async with two_workers() as lose:
        run = await held_up(script, conversation, laptop, ("act", "it"))
        await until(async_of(lambda: agents.done["it"]))
        async with row_locked(conversation):
            agents.holding["it"].set()
            await asyncio.sleep(0.05)  # its end waits in the writer, for the row
        await lose()
        ended = await status(run, "completed")

    assert agents.done == {"it": 1}
    (became,) = await ledger(run)
    assert became in [("act", "ok"), ("act", "unknown")]  # whichever took the row first
    assert ended.answer.blocks[-1]["text"] == "Done."
    await assert_whole(run)
    await same_as_page(conversation)


@asynccontextmanager
async def row_locked(conversation):
    """Holds the conversation's row locked."""
    free, held = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold():
        try:
            with transaction.atomic():
                Conversation.lock(conversation.pk)
                loop.call_soon_threadsafe(held.set)
                asyncio.run_coroutine_threadsafe(free.wait(), loop).result()
        finally:
            connections.close_all()

    holding = asyncio.create_task(sync_to_async(hold, thread_sensitive=False)())
    await held.wait()
    try:
        yield
    finally:
        free.set()
        await holding


async def test_lost_while_it_waits_nothing_is_lost(script, conversation, laptop):
    async with two_workers() as lose:
        run = await held_up(script, conversation, laptop, ("pay", "rent"))
        await status(run, "waiting")
        await lose()
        await decide(run, device=laptop)
        await status(run, "completed")
    assert agents.done == {"rent": 1}
    assert await ledger(run) == [("pay", "ok")]
    await assert_whole(run)
    await same_as_page(conversation)


async def test_a_decision_made_just_before_the_loss_is_kept(script, conversation, laptop):
    agents.holding["slow"] = asyncio.Event()
    async with two_workers() as lose:
        run = await held_up(script, conversation, laptop, ("look", "slow"), ("pay", "rent"))
        await until(async_of(lambda: agents.done["slow"]))
        await decide(run, "denied", laptop)
        await lose()
        agents.holding["slow"].set()
        await status(run, "completed")
    assert agents.done["rent"] == 0
    assert await ledger(run) == [("look", "ok"), ("pay", "denied")]
    await assert_whole(run)
    await same_as_page(conversation)


async def test_a_polite_worker_hands_back_between_two_steps(script, conversation, laptop):
    agents.holding["slow"] = asyncio.Event()
    script.then(calls(("act", "slow")), says("Done."))
    async with working(drain=5.0) as first:
        run = await post(conversation, laptop)
        await until(async_of(lambda: agents.done["slow"]))
        first.drain()
        await asyncio.sleep(0.05)
        agents.holding["slow"].set()
    assert (await fresh(run)).status == "queued"
    assert await ledger(run) == [("act", "ok")]
    await same_as_page(conversation)
    async with working():
        await status(run, "completed")
    assert agents.done == {"slow": 1}
    assert await attempts(run) == (2, 0)


async def test_a_drain_that_is_over_is_the_death_of_a_call_and_not_of_its_run(
    script, conversation, laptop
):
    agents.holding["slow"] = asyncio.Event()
    async with working(drain=0.0):
        run = await held_up(script, conversation, laptop, ("act", "slow"))
        await until(async_of(lambda: agents.done["slow"]))
    assert (await fresh(run)).status == "queued"
    async with working():
        await status(run, "completed")
    assert await ledger(run) == [("act", "unknown")]
    assert await attempts(run) == (2, 0)
    await same_as_page(conversation)


async def test_a_call_of_which_nobody_knows_is_run_again_with_the_same_key_by_a_person(
    script, conversation, laptop
):
    agents.holding["it"] = asyncio.Event()
    async with working(drain=0.0):
        run = await held_up(script, conversation, laptop, ("act", "it"), then=("Hm.", "Done now."))
        await until(async_of(lambda: agents.done["it"]))
    agents.holding.clear()
    async with working():
        await status(run, "completed")
        call = await ToolCall.objects.select_related("run__conversation").aget(run=run)
        again = await sync_to_async(run_again)(call, laptop)
        assert await sync_to_async(run_again)(call, laptop) == again
        await status(again, "completed")
        with pytest.raises(NotRetryable):  # by a page that has not seen it
            await sync_to_async(run_again)(call, laptop)
    assert await ledger(again) == [("act", "ok")]
    assert agents.done == {"it": 2}
    assert len(set(agents.keys["it"])) == 1
    decided = await ToolCall.objects.aget(run=again)
    assert (decided.decision, decided.device["name"]) == ("approved", "Laptop")
    assert "it is done" in script.prompts[-1].turns[-1].text
    await assert_whole(again)
    await same_as_page(conversation)


async def test_a_run_whose_workers_all_die_says_what_is_not_known(script, conversation, laptop):
    agents.holding["it"] = asyncio.Event()
    async with two_workers() as lose:
        run = await held_up(script, conversation, laptop, ("act", "it"), ("pay", "rent"))
        await until(async_of(lambda: agents.done["it"]))
        await Run.objects.filter(pk=run.pk).aupdate(deaths=2)
        await lose()
        await status(run, "failed")
        agents.holding["it"].set()
    assert await ledger(run) == [("act", "unknown"), ("pay", "cancelled")]
    assert (await fresh(run)).error_code == "worker_lost"
    here = await Conversation.objects.aget(pk=conversation.pk)
    assert here.undecided == 0
    await assert_whole(run)
    await same_as_page(conversation)
