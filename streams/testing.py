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
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from inspect import isawaitable
from typing import Any, cast

from asgiref.sync import async_to_sync
from psycopg import AsyncConnection

from . import log, models
from .agents.tool_threads import in_place
from .api.run import Run
from .conf import conf
from .postgres.borrowed_connection import Borrowed
from .postgres.database import connection
from .providers.base import (
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Code,
    Finished,
    Kind,
    Prompt,
    Provider,
    ProviderError,
    ProviderEvent,
)
from .providers.registry import resolve
from .worker import asking, claim, context_hook, deliveries, model_context, receivers
from .worker.claimed_run import Claimed
from .worker.lease import Lease, LeaseLost
from .worker.runner import Runner
from .worker.writer import Writer

ROUNDS = 1000


class FakeModel:
    """A provider that says what it was told to, and "OK" if it was told nothing.

    `answers`, `fails` and `tells` each prepare one answer to come; `prompts` are the prompts it was
    asked, newest last.
    """

    name = "fake"
    skipped = 0

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []
        self._scripts: deque[list[ProviderEvent | ProviderError]] = deque()

    def answers(self, text: str, *, thinks: str = "", stop_reason: str = "end_turn") -> FakeModel:
        """Prepares an answer with this text, streamed word by word, after what it `thinks`."""
        events: list[ProviderEvent] = []
        if thinks:
            events += block(0, Kind.REASONING, thinks)
        events += block(len(events) and 1, Kind.TEXT, text)
        return self.tells(*events, Finished(stop_reason, {"output_tokens": len(text.split())}))

    def calls(self, *wanted: tuple[str, Mapping[str, Any]], says: str = "") -> FakeModel:
        """Prepares a step of an agent that calls tools: each a tool's name and its arguments, after
        what it `says`. What is prepared next answers to their results.
        """
        events: list[ProviderEvent] = [*(block(0, Kind.TEXT, says) if says else ())]
        for index, (name, arguments) in enumerate(wanted, int(bool(says))):
            call_id = f"call-{len(self.prompts)}-{len(self._scripts)}-{index}"
            events += [
                BlockStarted(index, Kind.TOOL_CALL, name=name, call_id=call_id),
                BlockDelta(index, log.dumps(arguments)),
                BlockEnded(index),
            ]
        return self.tells(*events, Finished("tool_call", {"output_tokens": len(wanted)}))

    def fails(self, code: str, *, after: str = "") -> FakeModel:
        """Prepares a failure with one of the codes in docs/reference/events.md. A code that is
        worth another try fails only after some text.

        Raises ValueError for an unknown code.
        """
        said = block(0, Kind.TEXT, after)[:-1] if after else []
        self._scripts.append([*said, ProviderError(Code(code))])
        return self

    def tells(self, *events: ProviderEvent) -> FakeModel:
        """Prepares an answer event by event, as in `streams.providers.base`."""
        self._scripts.append([*events])
        return self

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ProviderEvent, None]:
        self.prompts.append(prompt)
        if not self._scripts:
            self.answers("OK")
        for event in self._scripts.popleft():
            if isinstance(event, ProviderError):
                raise event
            yield event

    def models(self) -> Sequence[str]:
        return ()

    async def aclose(self) -> None:
        """Does nothing, since it holds nothing."""


def block(index: int, kind: Kind, text: str) -> list[ProviderEvent]:
    words = re.findall(r"\s*\S+|\s+$", text)
    return [
        BlockStarted(index, kind),
        *(BlockDelta(index, word) for word in words),
        BlockEnded(index),
    ]


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
        history = asyncio.run(model_context.history(through, run))
        if asking.calls_tools(run, history):
            async_to_sync(answer_as_agent)(through, run, provider, name, history)
            continue
        prompt = context_hook.prompt_of(run, name, history, conf())
        asyncio.run(answer(through, run, provider, shaped(prompt, run)))
    return [run.run_id for run in claimed]


def shaped(prompt: Prompt, run: Claimed) -> Prompt:
    """Applies the site's own function in the test's thread, and so in its transaction."""
    if not conf().context:
        return prompt
    made = context_hook.told(conf().context, prompt, run)
    return context_hook.checked(async_to_sync(awaited)(made) if isawaitable(made) else made)


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
        await asking.ask(runner_of(through, run), provider, model, history, conf(), persist)
    finally:
        in_place.reset(token)  # asgiref hands the context on to the test, and to those after it


def runner_of(through: AsyncConnection, run: Claimed) -> Runner:
    # A failure that is worth another try is one failure here: nobody waits in a test.
    return Runner(run, AtOnce(through), replace(conf(), provider_retries=1))


def tell_receivers(through: AsyncConnection) -> bool:
    """Calls receivers; tells whether there was anything to deliver."""
    due = asyncio.run(claimed_deliveries(through))
    for each in due:
        told = receivers.tell(each)
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

    async def settle(self, lease: Lease) -> None:
        """Returns at once, since everything is committed already."""
