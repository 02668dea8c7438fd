"""For a site's own tests: a model that says what it is told, and answers worked off in process.

    def test_a_summary(user, streams_model, run_pending):
        streams_model.answers("All is paid.")
        run = streams.start(user).ask("Summarise this")
        run_pending()
        assert run.refresh().text == "All is paid."
        assert streams_model.prompts[0].turns[-1].text == "Summarise this"

The two fixtures come with the installed package. Everything goes through Django's own connection,
so it works inside the transaction of a `TestCase`, or of pytest-django's `db`, as well as where
rows are committed. What needs a process or a connection of its own does not: `run.wait`, `follow`
and the event streams see only what is committed (`TransactionTestCase`, `transactional_db`), and
`transaction.on_commit` is called at no commit (`django_capture_on_commit_callbacks`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from inspect import isawaitable
from typing import Any, cast

from asgiref.sync import async_to_sync
from psycopg import AsyncConnection

from . import log, models
from .agents.tool_threads import in_place
from .api.run import Run
from .conf import conf
from .fake_model import FakeModel
from .postgres.borrowed_connection import Borrowed
from .postgres.database import connection
from .providers.base import (
    Prompt,
    Provider,
)
from .providers.registry import resolve
from .worker import claim, conversation_history, prompt_building, run_dispatch
from .worker.answer_runner import Runner
from .worker.claimed_run import Claimed
from .worker.lease import Lease, LeaseLost
from .worker.notifications import deliveries, signal_receivers
from .worker.writer import Writer

__all__ = ["FakeModel", "run_pending"]

ROUNDS = 1000


def run_pending(model: Provider | None = None) -> list[Run]:
    """Writes every queued answer, by `model` or by the one each conversation names, and calls the
    receivers of `streams.signals`; returns the answers in order.

    Not for event loops: call it through `sync_to_async` there.
    """
    django = connection()
    django.ensure_connection()
    through = cast(AsyncConnection, Borrowed(django.connection))
    worker = models.Worker.objects.create(name="run_pending", concurrency=1)
    done: list[int] = []
    try:
        for _ in range(ROUNDS):
            worked = work_off(through, worker.pk, model)
            done += worked
            if not (tell_receivers(through) or worked):
                break
    finally:
        worker.delete()
    known = models.Run.objects.select_related("conversation", "prompt", "answer")
    found = known.in_bulk(done)
    return [Run(found[pk]) for pk in done]


def work_off(through: AsyncConnection, worker_id: int, model: Provider | None) -> list[int]:
    """Answers one run of each conversation that waits."""
    claimed = asyncio.run(claim.claim(through, worker_id, conf().concurrency))
    for run in claimed:
        provider, name = (model, run.model) if model else resolve(run.model)
        history = asyncio.run(conversation_history.history(through, run))
        if run_dispatch.calls_tools(run, history):
            async_to_sync(answer_as_agent)(through, run, provider, name, history)
            continue
        prompt = prompt_building.prompt_of(run, name, history, conf())
        asyncio.run(answer(through, run, provider, shaped(prompt, run)))
    return [run.run_id for run in claimed]


def shaped(prompt: Prompt, run: Claimed) -> Prompt:
    """Applies the site's own function in the test's thread, and so in its transaction."""
    if not conf().context:
        return prompt
    made = prompt_building.told(conf().context, prompt, run)
    return prompt_building.checked(async_to_sync(awaited)(made) if isawaitable(made) else made)


async def awaited(made: Awaitable[Any]) -> Any:
    return await made


async def answer(
    through: AsyncConnection, run: Claimed, provider: Provider, prompt: Prompt
) -> None:
    await runner_of(through, run).run(provider, prompt)


async def answer_as_agent(
    through: AsyncConnection, run: Claimed, provider: Provider, model: str, history: str
) -> None:
    """Runs an agent with its tools in the test's thread, and so in its transaction."""

    async def persist(act: Callable[[AsyncConnection], Awaitable[Any]]) -> Any:
        return await act(through)

    token = in_place.set(True)
    try:
        await run_dispatch.ask(runner_of(through, run), provider, model, history, conf(), persist)
    finally:
        in_place.reset(token)  # asgiref hands the context on to the test, and to those after it


def runner_of(through: AsyncConnection, run: Claimed) -> Runner:
    # A failure that is worth another try is one failure here: nobody waits in a test.
    return Runner(run, AtOnce(through), replace(conf(), provider_retries=1))


def tell_receivers(through: AsyncConnection) -> bool:
    """Calls receivers; tells whether there was anything to deliver."""
    due = asyncio.run(claimed_deliveries(through))
    for each in due:
        told = signal_receivers.tell(each)
        asyncio.run(deliveries.settle(through, each, told))
    return bool(due)


async def claimed_deliveries(through: AsyncConnection) -> Sequence[deliveries.Due]:
    return await deliveries.claim(through, conf().deliveries_kept)


class AtOnce(Writer):
    """Appends each event as it comes, through a connection that others may be using."""

    def __init__(self, through: AsyncConnection) -> None:
        super().__init__(conf())
        self._through = through

    async def write(
        self,
        lease: Lease,
        *events: log.NewEvent,
        first_token: bool = False,
        ending: log.RunChange | None = None,
    ) -> None:
        change = ending or (log.RunChange(lease.run_id) if first_token else None)
        if change:
            change.first_token = first_token or change.first_token
        append = log.Append(lease.conversation_id, events, lease.token, change)
        (outcome,) = await log.append(self._through, [append])
        if outcome.head is None:
            raise LeaseLost(f"run {lease.run_id}")
        lease.acked = outcome.head

    def write_now(self, lease: Lease, event: log.NewEvent, *, first_token: bool) -> bool:
        """Accepts nothing: what is appended is waited for, so `write` has to do it."""
        return False

    async def settle(self, lease: Lease) -> None:
        """Returns at once, since everything is committed already."""
