"""Runs of agents with a real PostgreSQL, real workers and real tools; only the model is told what
to say."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async

from streams import budgets
from streams.models import Conversation, Run, ToolCall, Usage
from streams.postgres.connections import connect
from streams.providers.base import Call, Code, ProviderError, Result, Text, Upstream
from streams.worker import continued_run, decision_timeout
from streams.worker.answer_runner import Runner
from streams.worker.lease import StorageFailed
from tests.factories import ConversationFactory

from . import agents
from .agent_runs import async_of, decide, held_up, ledger, same_as_page, types
from .agents import calls, said, says
from .in_process_worker import assert_whole, fresh, post, status, until, working

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("other_half")]


@pytest.fixture
def conversation(working_on):
    return working_on


async def test_a_run_is_a_loop_of_steps_until_the_model_asks_for_nothing_more(
    script, conversation, laptop
):
    script.then(calls(("act", "a"), ("look", "b"), text="Let me see."), says("All done."))
    async with working():
        run = await post(conversation, laptop)
        ended = await status(run, "completed", "failed")

    assert await types(run) == [
        "run.queued", "run.started", "step.started", "step.ended",
        "tool.started", "tool.started", "tool.ended", "tool.ended",
        "step.started", "step.ended", "run.completed",
    ]  # fmt: skip
    assert await ledger(run) == [("act", "ok"), ("look", "ok")]
    assert agents.done == {"a": 1, "b": 1}
    assert [block["kind"] for block in ended.answer.blocks] == [
        "text",
        "tool_call",
        "tool_call",
        "text",
    ]
    assert ended.usage == {"input_tokens": 20, "output_tokens": 10}
    _, asked, results = script.prompts[1].turns
    first, second = ("act", '{"what": "a"}'), ("look", '{"what": "b"}')
    assert asked.parts == (Text("Let me see."), Call("call-1", *first), Call("call-2", *second))
    assert results.parts == (Result("call-1", "a is done"), Result("call-2", "b is done"))
    assert [tool.name for tool in script.prompts[0].tools] == [
        "act",
        "look",
        "pay",
        "fail",
        "locate",
    ]
    await assert_whole(run)
    await same_as_page(conversation)


async def test_a_call_that_needs_a_yes_waits_without_a_worker_and_goes_on_once_it_has_it(
    script, conversation, laptop, phone
):
    async with working() as worker:
        run = await held_up(script, conversation, laptop, ("pay", "rent"))
        await status(run, "waiting")
        await until(async_of(lambda: not worker.running))
        now = await fresh(run)
        here = await Conversation.objects.aget(pk=conversation.pk)
        assert (here.active_run_id, here.undecided, now.worker_id) == (None, 1, None)
        assert agents.done == {}
        await same_as_page(conversation)

        await decide(run, device=phone, note="It is due")
        await status(run, "completed")

    assert agents.done == {"rent": 1}
    call = await ToolCall.objects.aget(run=run)
    assert (call.status, call.decision, call.device["name"]) == ("ok", "approved", "Phone")
    assert "It is due" in script.prompts[1].turns[-1].parts[0].text
    page = await same_as_page(conversation)
    (shown,) = page.runs[str(run.uuid)].calls.values()
    assert (shown.status, shown.note, shown.result) == ("ok", "It is due", "rent is done")


async def test_a_call_that_was_denied_is_not_run_and_the_model_is_told(
    script, conversation, laptop
):
    async with working():
        run = await held_up(script, conversation, laptop, ("pay", "rent"), ("act", "b"))
        await status(run, "waiting")
        assert agents.done == {"b": 1}
        await decide(run, "denied", laptop, note="Too much")
        await status(run, "completed")

    assert agents.done == {"b": 1}
    assert await ledger(run) == [("pay", "denied"), ("act", "ok")]
    denied, _ = script.prompts[1].turns[-1].parts
    assert denied == Result("call-0", "The person denied this. They wrote: Too much", True)
    await same_as_page(conversation)


async def test_approved_calls_start_as_they_are_decided_while_others_run(
    script, conversation, laptop
):
    agents.holding["slow"] = asyncio.Event()
    async with working():
        run = await held_up(script, conversation, laptop, ("act", "slow"), ("pay", "rent"))
        await until(async_of(lambda: agents.done["slow"]))
        await decide(run, device=laptop)
        await until(async_of(lambda: agents.done["rent"]))
        assert (await fresh(run)).status == "running"
        agents.holding["slow"].set()
        await status(run, "completed")
    assert "run.waiting" not in await types(run)
    await same_as_page(conversation)


async def test_what_the_client_runs_itself_ends_with_the_result_it_sends(
    script, conversation, laptop
):
    async with working():
        run = await held_up(script, conversation, laptop, ("locate", "me"))
        await status(run, "waiting")
        await decide(run, "answered", laptop, result="Vienna")
        await status(run, "completed")
    assert script.prompts[1].turns[-1].parts == (Result("call-0", "Vienna"),)
    await same_as_page(conversation)


async def test_a_waiting_run_is_cancelled_at_once_without_a_worker(script, conversation, laptop):
    async with working():
        run = await held_up(script, conversation, laptop, ("pay", "rent"))
        await status(run, "waiting")
    await sync_to_async(run.cancel)(laptop)

    assert (await fresh(run)).status == "cancelled"
    assert await ledger(run) == [("pay", "cancelled")]
    here = await Conversation.objects.aget(pk=conversation.pk)
    assert here.undecided == 0
    await assert_whole(run)
    await same_as_page(conversation)


async def test_a_cancel_ends_running_tools_and_keeps_what_was_said(script, conversation, laptop):
    agents.holding["slow"] = asyncio.Event()
    async with working():
        run = await held_up(script, conversation, laptop, ("act", "slow"), ("pay", "rent"))
        await until(async_of(lambda: agents.done["slow"]))
        await sync_to_async(run.cancel)(laptop)
        await status(run, "cancelled")
    assert await ledger(run) == [("act", "cancelled"), ("pay", "cancelled")]
    await assert_whole(run)
    await same_as_page(conversation)


async def test_a_tool_that_fails_and_one_that_is_not_there_are_results(
    script, conversation, laptop
):
    async with working():
        run = await held_up(script, conversation, laptop, ("fail", "It"), ("dance", "x"))
        await status(run, "completed")
    assert script.prompts[1].turns[-1].parts == (
        Result("call-0", "It cannot be", True),
        Result("call-1", "There is no tool of this name.", True),
    )


async def test_an_agent_that_reaches_its_limit_of_steps_says_so(script, conversation, laptop):
    await Conversation.objects.filter(pk=conversation.pk).aupdate(model="agent:brief")
    await conversation.arefresh_from_db()
    script.then(calls(("act", "a")), calls(("act", "b"), first=5), says("Never"))
    async with working():
        run = await post(conversation, laptop)
        ended = await status(run, "completed")
    assert ended.stop_reason == "max_steps"
    assert agents.done == {"a": 1, "b": 1}
    await assert_whole(run)
    await same_as_page(conversation)


async def test_calls_that_a_service_gives_the_same_id_are_told_apart(script, conversation, laptop):
    script.then(calls(("act", "a")), calls(("act", "b")), says("Done."))
    async with working():
        run = await post(conversation, laptop)
        await status(run, "completed")
    page = await same_as_page(conversation)
    assert len(page.runs[str(run.uuid)].calls) == 2
    asked = [p for turn in script.prompts[2].turns for p in turn.parts if isinstance(p, Call)]
    assert [each.call_id for each in asked] == ["call-0", "call-0"]


async def test_what_comes_next_remembers_calls_and_results(script, conversation, laptop):
    async with working():
        run = await held_up(script, conversation, laptop, ("act", "a"), then=("Done.", "Again."))
        await status(run, "completed")
        second = await post(conversation, laptop, "And now?")
        await status(second, "completed")
    parts = [turn.parts for turn in script.prompts[2].turns]
    assert parts == [
        (Text("Hello"),),
        (Call("call-0", "act", '{"what": "a"}'),),
        (Result("call-0", "a is done"),),
        (Text("Done."),),
        (Text("And now?"),),
    ]

    async with await connect("tests") as connection:
        counted = Counted(connection)
        both = await continued_run.read_each(counted, [run.pk, second.pk])
        queries, counted.cursors = counted.cursors, 0
        assert both[run.pk] == await continued_run.read(counted, run.pk)
        assert queries == counted.cursors


class Counted:
    """A connection that counts its cursors."""

    def __init__(self, connection):
        self.connection = connection
        self.cursors = 0

    def cursor(self, **options):
        self.cursors += 1
        return self.connection.cursor(**options)


async def test_a_run_that_nobody_decides_about_is_given_up_some_day(script, conversation, laptop):
    async with working():
        run = await held_up(script, conversation, laptop, ("pay", "rent"))
        await status(run, "waiting")
    async with await connect("tests") as connection:
        assert await decision_timeout.give_up(connection, 3600.0) == 0
        await Run.objects.filter(pk=run.pk).aupdate(waiting_since="2000-01-01T00:00Z")
        assert await decision_timeout.give_up(connection, 3600.0) == 1
        assert await decision_timeout.give_up(connection, 3600.0) == 0
    now = await fresh(run)
    assert (now.status, now.error_code) == ("failed", "undecided")
    assert now.usage == {"input_tokens": 10, "output_tokens": 5}
    assert await ledger(run) == [("pay", "cancelled")]
    here = await Conversation.objects.aget(pk=conversation.pk)
    assert here.undecided == 0
    await assert_whole(run)
    await same_as_page(conversation)


async def test_a_budget_is_looked_at_before_each_further_request(
    script, conversation, laptop, anna, settings
):
    """With what steps took that are under way: also those of the person's other answers."""
    settings.STREAMS = {**settings.STREAMS, "budget_tokens": 40}
    script.then(calls(("pay", "rent")), calls(("look", "a")), calls(("look", "b")), says("Done."))
    other = await sync_to_async(ConversationFactory)(owner=anna, model="agent:a")
    async with working():
        waiting = await post(other, laptop)
        await status(waiting, "waiting")
        ended = await status(await post(conversation, laptop), "completed", "failed")
        assert (ended.error_code, ended.retryable) == ("budget_spent", False)
        assert ended.usage == {"input_tokens": 20, "output_tokens": 10}
        await decide(waiting, device=laptop)
        assert (await status(waiting, "failed")).error_code == "budget_spent"
    assert await ledger(ended) == [("look", "ok"), ("look", "ok")]
    assert len(script.prompts) == 3
    counted = Usage.objects.order_by("id").values_list("requests", "input_tokens")
    assert [line async for line in counted] == [(2, 20), (1, 10)]
    await assert_whole(ended)
    await same_as_page(conversation)


async def test_a_spent_budget_leaves_nobody_without_an_answer_that_goes_on_at_its_service(
    script, conversation, laptop, anna, settings
):
    """The next worker asks for no more than that, and for nothing that was posted meanwhile."""
    settings.STREAMS = {**settings.STREAMS, "budget_tokens": 40}
    await Conversation.objects.filter(pk=conversation.pk).aupdate(on_busy="steer")
    asked = Upstream("resp_1")
    script.then(calls(("look", "a")), [asked, *said("Half")[:2], asyncio.Event()])
    script.then([asked, *calls(("look", "b"))], says("Done."))
    async with working(drain=0.0):
        run = await post(conversation, laptop)
        await until(async_of(lambda: len(script.prompts) == 2))
        await until(lambda: has_upstream(run))
    await conversation.arefresh_from_db()
    joining = await post(conversation, laptop, "And hurry")
    spent = {"owner": anna, "month": budgets.this_month(), "model": "m", "input_tokens": 100}
    await Usage.objects.acreate(**spent)
    async with working():
        ended = await status(run, "completed", "failed")
        assert (await status(joining, "completed", "failed")).error_code == ""
    assert ended.error_code == "budget_spent"  # for the third request
    assert [prompt.upstream for prompt in script.prompts] == ["", "", "resp_1", ""]
    assert await ledger(run) == [("look", "ok"), ("look", "ok")]
    assert ended.usage == {"input_tokens": 20, "output_tokens": 10}
    await same_as_page(conversation)


async def has_upstream(run):
    return (await fresh(run)).upstream


async def test_what_a_stopped_step_used_is_estimated_and_marked(script, conversation, laptop):
    never = asyncio.Event()
    script.then(calls(("act", "a")), [*said("Half a word")[:2], never])
    async with working():
        run = await post(conversation, laptop)
        await until(async_of(lambda: len(script.prompts) == 2))
        await sync_to_async(run.cancel)(laptop)
        ended = await status(run, "cancelled")
    assert ended.usage["estimated"] is True
    assert ended.usage["input_tokens"] > 10
    assert ended.usage["output_tokens"] == 5 + 3
    await same_as_page(conversation)


async def test_what_a_failed_answer_used_is_estimated_where_it_said_something(
    script, conversation, laptop, anna
):
    """Between two blocks too."""
    broken = ProviderError(Code.PROTOCOL)
    script.then([*said("Half a word"), broken], calls(("act", "a")), [*said("Half a word"), broken])
    async with working():
        plain = await post(await sync_to_async(ConversationFactory)(owner=anna), laptop)
        assert (await status(plain, "failed")).usage["output_tokens"] == 3
        ended = await status(await post(conversation, laptop), "failed")
    assert ended.usage["estimated"] is True
    assert ended.usage["output_tokens"] == 5 + 3


async def test_a_step_that_has_ended_is_not_counted_again_as_its_run_is_given_up(
    script, conversation, laptop, monkeypatch
):
    async def refused(self, event, change):
        await self.held.settle()  # what the second step said is written
        raise StorageFailed("rows")

    monkeypatch.setattr(Runner, "_end", refused)
    used = {"input_tokens": 10, "output_tokens": 1000}
    script.then(calls(("look", "a"), text="x" * 4000, usage=used), says("Done."))
    async with working():
        run = await post(conversation, laptop)
        ended = await status(run, "failed")
    assert ended.error_code == "storage"
    assert ended.usage["output_tokens"] == 1000 + 2
    await same_as_page(conversation)
