"""Runs of agents with a real PostgreSQL, real workers and real tools; only the model is told what
to say."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async

from streams.log import transcript
from streams.models import Conversation, Event, Run, ToolCall
from streams.providers.base import Call, Result, Text
from streams.snapshot import snapshot
from streams import log
from tests.factories import ConversationFactory

from . import agents
from .agents import calls, says
from .in_process_worker import assert_whole, events, fresh, post, status, until, working

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def offered(settings):
    here = "tests.worker.agents"
    agents.forget()
    settings.STREAMS = {**settings.STREAMS, "agents": {"a": f"{here}.agent", "brief": f"{here}.brief"}}


@pytest.fixture
def conversation(anna):
    return ConversationFactory(owner=anna, model="agent:a")


class Script:
    """Says one scripted step per request; `prompts` are what it was asked."""

    name = "script"
    skipped = 0

    def __init__(self):
        self.steps = []
        self.prompts = []

    def then(self, *steps):
        self.steps += steps
        return self

    async def stream(self, prompt):
        self.prompts.append(prompt)
        for event in self.steps.pop(0):
            if isinstance(event, Exception):
                raise event
            if isinstance(event, asyncio.Event):
                await event.wait()
            else:
                yield event

    def models(self):
        return ()

    async def aclose(self):
        pass


@pytest.fixture
def script(monkeypatch, other_half):
    from streams.worker import process

    provider = Script()
    monkeypatch.setattr(process, "resolve", lambda name: (provider, "m"))
    return provider


@sync_to_async
def same_as_page(conversation):
    """Folding the log gives the page, and so does folding the rest of it from any point."""
    page = snapshot(conversation.pk).transcript
    rows = log.rows_after(conversation.pk)
    assert transcript.fold(rows) == page
    return page


@sync_to_async
def types(run):
    rows = Event.objects.filter(run_id=run.pk).order_by("seq")
    return [row.type for row in rows if not row.type.startswith("block.")]


@sync_to_async
def ledger(run):
    return [(call.name, call.status) for call in ToolCall.objects.filter(run=run).order_by("block")]


@sync_to_async
def decide(run, decision="approved", device=None, nth=0, **more):
    waiting = ToolCall.objects.filter(run=run, status="waiting").order_by("block")
    return waiting[nth].decide(decision, device, **more)


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
    assert [block["kind"] for block in ended.answer.blocks] == ["text", "tool_call", "tool_call", "text"]
    assert ended.usage == {"input_tokens": 20, "output_tokens": 10}
    _, asked, results = script.prompts[1].turns
    assert asked.parts == (
        Text("Let me see."), Call("call-1", "act", '{"what": "a"}'), Call("call-2", "look", '{"what": "b"}'),
    )  # fmt: skip
    assert results.parts == (Result("call-1", "a is done"), Result("call-2", "b is done"))
    assert [tool.name for tool in script.prompts[0].tools] == ["act", "look", "pay", "fail", "locate"]
    await assert_whole(run)
    await same_as_page(conversation)
