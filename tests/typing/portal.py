"""A site's own code that uses every public name, for the type checker alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from typing import Any, assert_type
from uuid import UUID

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.dispatch import receiver

import streams
from streams.agents import Agent, Context, ToolError, client_tool, tool
from streams.asgi import WithStreams, get_asgi_application
from streams.exceptions import StreamsError
from streams.policy import Policy
from streams.providers.base import (
    BlockDelta,
    BlockEnded,
    BlockStarted,
    File,
    Finished,
    Kind,
    Prompt,
    Provider,
    ProviderEvent,
    Turn,
    UnknownModel,
)
from streams.signals import run_ended, run_waiting
from streams.testing import FakeModel
from streams.testing import run_pending as work_off


def summarise(user: User, invoice: UUID) -> str:
    chat = streams.start(
        user, instructions="Be brief.", title="Bills", model="a:b", on_busy="reject", key="k"
    )
    assert_type(chat, streams.Chat)
    assert_type(streams.get(user, chat.id), streams.Chat)
    assert_type(streams.conversations(user), list[streams.Chat])
    assert_type((chat.id, chat.url, chat.title, chat.head), tuple[UUID, str, str, int])
    assert_type((chat.instructions, chat.model, chat.updated_at), tuple[str, str, datetime])
    run = chat.refresh().ask("Summarise this", key=f"invoice-{invoice}")
    with open("bill.pdf", "rb") as bill:
        chat.ask(
            "And this", attachments=[bill, BytesIO(b"words"), ContentFile(b"", "a.txt"), invoice]
        )
    assert_type(chat.run(str(run.id)), streams.Run)
    assert_type(chat.runs(), list[streams.Run])
    for event in chat.follow(after=chat.head):
        told(event)
    for event in run.follow(after=3):
        told(event)
    if run.wait(60).ended and (failure := run.error):
        assert_type(failure, streams.Failure)
        assert_type((failure.code, failure.message, failure.retryable), tuple[str, str, bool])
        run = run.cancel().retry()
    for call in run.calls():
        assert_type((call.id, call.name, call.arguments), tuple[UUID, str, str])
        if call.status == "waiting":
            assert_type(call.approve("Fine").result, str)
            call.deny()
            call.answer("42")
    chat.delete()
    assert_type(run.usage, Mapping[str, int])
    if run.status == "done":  # type: ignore[comparison-overlap]
        return run.prompt
    return run.refresh().text + run.model + run.stop_reason


def told(event: streams.Event) -> None:
    assert_type((event.seq, event.type, event.text), tuple[int, str, str])
    assert_type((event.run, event.replaces), tuple[UUID | None, bool])
    assert_type(event.data, Mapping[str, Any])


async def summarise_later(user: User) -> None:
    chat = await (await streams.astart(user)).arefresh()
    assert_type(await streams.aget(user, "id"), streams.Chat)
    assert_type(await streams.aconversations(user), list[streams.Chat])
    run = await chat.aask("Summarise this", attachments=[BytesIO(b"words")])
    following: streams.Follow = chat.follow()
    async for event in following:
        told(event)
    assert_type(await run.await_(60), streams.Run)
    assert_type(await run.arefresh(), streams.Run)
    assert_type(await run.acancel(), streams.Run)
    assert_type(await run.aretry(), streams.Run)
    for call in await run.acalls():
        assert_type(await call.aapprove(), streams.ToolCall)
        await call.adeny("No")
        await call.aanswer("42")
    assert_type(await chat.arun(run.id), streams.Run)
    assert_type(await chat.aruns(), list[streams.Run])
    await chat.adelete()


@receiver(run_ended)
def note(run: streams.Run, chat: streams.Chat, status: str, delivery: int, **more: object) -> None:
    chat.ask(f"{run.text} {status} {delivery}")


@receiver(run_waiting)
def remind(run: streams.Run, chat: streams.Chat, status: str, **more: object) -> None:
    try:
        chat.ask(f"{run.id} {status}")
    except StreamsError as error:
        assert_type((error.code, error.message, error.field), tuple[str, str, str | None])
        assert_type(error.status, int)


class Acme:
    """A provider of a site's own."""

    name = "acme"
    skipped = 0
    menu = ("small",)

    @staticmethod
    def check(model: str) -> None:
        if model != "small":
            raise UnknownModel(f"acme has no {model}.")

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]:
        turn = Turn.of("user", prompt.system)
        files = [part for part in turn.parts if isinstance(part, File)]
        yield BlockStarted(0, Kind.TEXT)
        yield BlockDelta(0, f"{turn.text} {len(files)} {prompt.model} {prompt.max_tokens}")
        yield BlockEnded(0)
        yield Finished("end_turn")

    def models(self) -> Sequence[str]:
        return self.menu

    async def aclose(self) -> None: ...


provider: Provider = Acme()


@tool(approval="always", timeout=30)
async def refund(context: Context, order: int) -> str:
    """Refund an order."""
    context.progress(f"{context.user} {context.conversation.title} {context.run.id}")
    if not context.idempotency_key:
        raise ToolError("There is no such order.")
    return f"{order}"


@client_tool
def sign(order: int) -> str:
    """Has the customer sign, in the browser."""
    raise NotImplementedError


support = Agent(model="anthropic:claude-sonnet-5-5", tools=[refund, sign], max_steps=5)
application = WithStreams(get_asgi_application())


class OurPolicy(Policy):
    def may_use(self, user: User) -> bool:
        return user.is_staff

    def models_for(self, user: User) -> Sequence[str]:
        return ["acme:small"]


def context(prompt: Prompt, run: streams.Run) -> Prompt:
    return replace(prompt, system=run.prompt)


def test_a_summary(
    user: User, streams_model: FakeModel, run_pending: Callable[[], list[streams.Run]]
) -> None:
    streams_model.calls(("refund", {"order": 41}), says="One moment")
    streams_model.answers("Paid", thinks="Hm").fails("overloaded", after="Pa").tells()
    assert_type(streams_model.prompts, list[Prompt])
    assert run_pending() == work_off(streams_model)
