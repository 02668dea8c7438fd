"""Edge cases of an agent's run: signals that come too early, stops that come too late, ids that are
too long, and runs that are queued behind it.
"""

from __future__ import annotations

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db.models.functions import Now

from streams.exceptions import AlreadyDecided
from streams.models import Run, ToolCall
from streams.postgres.connections import connect
from streams.providers.base import BlockDelta, BlockEnded, BlockStarted, Finished, Kind
from streams.worker import claim, continued_run
from streams.worker.agent_runs import agent_work
from streams.worker.agent_runs.step_start import begin_step
from streams.worker.agent_runs.tool_calls import STOPPED
from streams.worker.lease import Lease
from tests.factories import ConversationFactory, WorkerFactory

from . import agents
from .agent_runs import async_of, decide, held_up, same_as_page, types
from .agent_runs import ledger as ledger_of
from .agents import calls, says
from .in_process_worker import assert_whole, fresh, post, status, until, working
from .test_agent_losses import two_workers
from .test_agent_races import pauses, with_waiting_calls

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("other_half")]


@pytest.fixture
def conversation(working_on):
    return working_on


@pytest.fixture
async def raw(other_half):
    connection = await connect("edges")
    yield connection
    await connection.close()


async def test_code_of_the_site_that_cancels_itself_or_exits_fails_the_answer_once(
    script, conversation, laptop, anna, settings
):
    """It was handed back, and began again for ever; or took its worker along, and then the next."""
    settings.STREAMS = {**settings.STREAMS, "context": "tests.worker.agents.gives_up"}
    script.then(says("Never"))
    async with working():
        for here in (conversation, await sync_to_async(ConversationFactory)(owner=anna)):
            run = await status(await post(here, laptop), "failed")
            assert (run.error_code, run.attempt) == ("internal", 1)
            await assert_whole(run)
    assert not script.prompts
    settings.STREAMS = {**settings.STREAMS, "context": ""}
    async with working():
        for raised in (asyncio.CancelledError(), SystemExit(1), KeyboardInterrupt()):
            script.steps = [[raised]]
            run = await status(await post(conversation, laptop), "failed")
            assert (run.error_code, run.attempt) == ("internal", 1)


@pytest.mark.parametrize("how", ["cancelled", "handed back"])
async def test_a_run_is_stopped_while_what_it_works_with_is_not_found(
    script, conversation, laptop, monkeypatch, how
):
    """What it has answered by then stays."""
    script.then(calls(("pay", "rent"), text="Let me see."), says("Done."))
    asked, found = threading.Event(), threading.Event()
    real = agent_work.context_of

    def slow(run_id):
        asked.set()
        found.wait(60)
        return real(run_id)

    async with working():
        run = await post(conversation, laptop)
        await status(run, "waiting")
    monkeypatch.setattr(agent_work, "context_of", slow)
    async with working(drain=0.0) as worker:
        await decide(run, device=laptop)
        await until(async_of(asked.is_set))
        if how == "cancelled":
            await sync_to_async(run.cancel)(laptop)
        else:
            worker.drain()
        now = await status(run, "cancelled" if how == "cancelled" else "queued")
    found.set()
    assert [block["kind"] for block in now.answer.blocks] == ["text", "tool_call"]
    assert now.usage == {"input_tokens": 10, "output_tokens": 5}
    await same_as_page(conversation)


async def test_a_prompt_behind_a_waiting_run_does_not_keep_workers_busy(raw, conversation, laptop):
    """They would ask 20 times a second for days."""
    run = await post(conversation, laptop)
    worker = await sync_to_async(WorkerFactory)()
    claimed = await with_waiting_calls(raw, worker.pk, run)
    await claim.log.append(raw, [pauses(claimed)])
    await post(conversation, laptop, "And then?")
    assert await claim.claim(raw, worker.pk, 1) == []
    assert not await claim.is_waiting(raw)
    await decide(run, device=laptop)
    assert await claim.is_waiting(raw)


async def test_taking_back_a_prompt_behind_a_waiting_run_leaves_what_that_waits_for(
    raw, conversation, laptop
):
    """The count of undecided calls is the waiting run's: without it no decision was taken, and the
    run was begun again and again.
    """
    run = await post(conversation, laptop)
    worker = await sync_to_async(WorkerFactory)()
    claimed = await with_waiting_calls(raw, worker.pk, run)
    await claim.log.append(raw, [pauses(claimed)])
    behind = await post(conversation, laptop, "And then?")
    await sync_to_async(behind.cancel)(laptop)
    await decide(run, device=laptop)
    assert (await fresh(run)).status == "queued"
    await same_as_page(conversation)


async def test_who_is_told_to_stop_takes_no_yes_any_more(script, conversation, laptop, phone):
    agents.holding["slow"] = asyncio.Event()
    async with working():
        run = await held_up(script, conversation, laptop, ("act", "slow"), ("pay", "rent"))
        await until(async_of(lambda: agents.done["slow"]))
        # A worker that has not heard of the stop yet.
        await Run.objects.filter(pk=run.pk).aupdate(cancel_requested_at=Now())
        with pytest.raises(AlreadyDecided):
            await decide(run, device=phone)
        await status(run, "cancelled")
    assert agents.done["rent"] == 0
    assert await ledger_of(run) == [("act", "cancelled"), ("pay", "cancelled")]
    await same_as_page(conversation)


async def test_a_decision_during_the_look_at_decisions_is_heard(
    script, conversation, laptop, monkeypatch
):
    """Its signal came while the answer to an earlier question was still under way."""
    agents.holding["slow"] = asyncio.Event()
    reading, read = asyncio.Event(), continued_run.read_calls

    async def slowly(connection, run_id):
        found = await read(connection, run_id)
        if agents.done["slow"] and not reading.is_set():
            reading.set()
            await decide(run, device=laptop)
            await asyncio.sleep(0.1)  # that signal has arrived by now
        return found

    monkeypatch.setattr(continued_run, "read_calls", slowly)
    async with working(worker_rescan=60.0):
        run = await held_up(
            script, conversation, laptop, ("act", "slow"), ("pay", "rent"), ("pay", "food")
        )
        await until(async_of(lambda: agents.done["slow"]))
        await decide(run, device=laptop)
        await until(async_of(lambda: agents.done["rent"] and agents.done["food"]))
        agents.holding["slow"].set()
        await status(run, "completed")


async def test_a_run_that_is_stopped_after_a_death_does_not_say_that_its_call_never_ran(
    script, conversation, laptop, monkeypatch
):
    agents.holding["it"] = asyncio.Event()
    async with two_workers() as lose:
        run = await held_up(script, conversation, laptop, ("act", "it"), ("pay", "rent"))
        await until(async_of(lambda: agents.done["it"]))
        stop_at_once(monkeypatch, laptop)
        await lose()
        await status(run, "cancelled")
        agents.holding["it"].set()
    assert await ledger_of(run) == [("act", "unknown"), ("pay", "cancelled")]
    await assert_whole(run)
    await same_as_page(conversation)


def stop_at_once(monkeypatch, device):
    """The next worker is told to stop before it has looked at the ledger."""
    asked = agent_work.asked

    async def stopped(run, *known):
        stopping = await Run.objects.aget(pk=run.run_id)
        await sync_to_async(stopping.cancel)(device)
        await asyncio.sleep(0.2)
        return await asked(run, *known)

    monkeypatch.setattr(agent_work, "asked", stopped)


async def test_a_call_that_was_stopped_in_the_middle_says_so(script, conversation, laptop):
    agents.holding["it"] = asyncio.Event()
    async with working():
        run = await held_up(script, conversation, laptop, ("act", "it"))
        await until(async_of(lambda: agents.done["it"]))
        await sync_to_async(run.cancel)(laptop)
        await status(run, "cancelled")
    call = await ToolCall.objects.aget(run=run)
    assert (call.status, call.result) == ("cancelled", STOPPED)


async def test_what_a_leaving_worker_hands_back_is_taken_up_at_once(script, conversation, laptop):
    """Also when it hands back before its drain is over, and nobody looks for a minute."""
    agents.holding["slow"] = asyncio.Event()
    script.then(calls(("act", "slow")), says("Done."))
    async with working(drain=30.0, worker_rescan=60.0) as first:
        run = await post(conversation, laptop)
        await until(async_of(lambda: agents.done["slow"]))
        async with working(worker_rescan=60.0):
            first.drain()
            await asyncio.sleep(0.1)
            agents.holding["slow"].set()
            async with asyncio.timeout(3):
                await status(run, "completed")
    assert (await fresh(run)).attempt == 2


@pytest.mark.parametrize("length", [10, 400])
async def test_a_call_with_a_long_id_or_name_is_a_call(script, conversation, laptop, length):
    """Some services put a signature into the id."""
    known = {"name": "n" * length, "call_id": "i" * length}
    step = [BlockStarted(0, Kind.TOOL_CALL, **known), BlockDelta(0, "{}"), BlockEnded(0)]
    script.then([*step, Finished("tool_call", {})], says("Done."))
    async with working():
        run = await post(conversation, laptop)
        ended = await status(run, "completed", "failed")
    assert ended.status == "completed", ended.error_code
    (told,) = script.prompts[1].turns[-1].parts
    assert told.call_id == "i" * length
    await same_as_page(conversation)


async def test_a_step_that_is_begun_twice_begins_once(raw, conversation, laptop):
    """The answer to its transaction was lost with a connection, and it is tried again before that
    has committed.
    """
    run = await post(conversation, laptop)
    worker = await sync_to_async(WorkerFactory)()
    (claimed,) = await claim.claim(raw, worker.pk, 1)
    lease = Lease(claimed.conversation_id, claimed.run_id, claimed.token, claimed.head)
    other = await connect("edges")
    async with raw.transaction():
        first = await begin_step(raw, claimed, lease, 2, 0, absorbs=True)
        again = asyncio.create_task(begin_step(other, claimed, lease, 2, 0, absorbs=True))
        await asyncio.sleep(0.2)
    assert await again == first
    await other.close()
    assert (await types(run)).count("step.started") == 1
