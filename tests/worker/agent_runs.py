"""What tests of agents' runs script, do and ask."""

from __future__ import annotations

import asyncio

from asgiref.sync import sync_to_async

from streams import log
from streams.conversation_snapshot import snapshot
from streams.log import transcript
from streams.models import Event, ToolCall

from .agents import calls, says
from .in_process_worker import post


class Script:
    """Says one scripted step per request, and the last of them again and again; `prompts` are what
    it was asked.
    """

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
        for event in self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]:
            if isinstance(event, BaseException):
                raise event
            if isinstance(event, asyncio.Event):
                await event.wait()
            else:
                yield event

    def models(self):
        return ()

    async def aclose(self):
        pass


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


async def held_up(script, conversation, device, *wanted, then=("Done.",)):
    """A run whose first step calls `wanted`; it ends with the words of `then`."""
    script.then(calls(*wanted), *(says(words) for words in then))
    return await post(conversation, device)


def async_of(check):
    async def checked():
        return check()

    return checked
