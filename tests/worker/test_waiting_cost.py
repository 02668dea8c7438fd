"""Runs that wait for people take no lease, task, connection or query."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest
from asgiref.sync import sync_to_async
from django.contrib.postgres.search import SearchVector
from django.db import connection
from django.db.models import Value
from django.utils import timezone

from streams.models import Conversation, Message, Run, SearchEntry
from streams.worker import process
from tests.factories import ConversationFactory

from .agent_runs import decide, held_up
from .in_process_worker import fresh, status, working

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("other_half")]

MANY = 1000
LOOKS = 20  # a second
TABLES = ("streams_conversation", "streams_message", "streams_run", "streams_toolcall")


async def test_a_run_that_waits_holds_nothing_of_its_worker(
    script, working_on, laptop, monkeypatch
):
    """For ten minutes, as the database has it; a lease is a second here."""
    async with working() as one:
        run = await held_up(script, working_on, laptop, ("pay", "rent"))
        await status(run, "waiting")
        long_ago = timezone.now() - timezone.timedelta(minutes=10)
        await Run.objects.filter(pk=run.pk).aupdate(waiting_since=long_ago)
        await asyncio.sleep(1.5)
        now, here = await fresh(run), await Conversation.objects.aget(pk=working_on.pk)
        assert (now.status, now.worker_id, here.active_run_id) == ("waiting", None, None)
        assert not one.running
        assert not one.answers.running
        assert len(script.prompts) == 1
        assert all(task.get_coro().__qualname__ not in IN_HAND for task in asyncio.all_tasks())
        await decide(run, device=laptop)
        await status(run, "completed")


IN_HAND = ("Worker._answer", "AgentLoop.run", "ToolCalls._run", "Runner.run_agent")


@sync_to_async
def let_wait(owner):
    """Makes so many runs that wait for a decision each, by their rows alone."""
    first = Message.objects.create(conversation=ConversationFactory(owner=owner), seq=1, blocks=[])
    SearchEntry.objects.create(message=first, words=SearchVector(Value("before")))
    known = {"owner": owner, "model": "agent:crew", "last_seq": 2}
    places = Conversation.objects.bulk_create(
        Conversation(**known, undecided=1) for _ in range(MANY)
    )
    prompts, answers = (
        Message.objects.bulk_create(
            Message(conversation=here, seq=seq, role=role, blocks=[]) for here in places
        )
        for seq, role in ((1, "user"), (2, "assistant"))
    )
    Run.objects.bulk_create(
        Run(uuid=uuid.uuid4(), conversation=here, prompt=prompt, answer=answer, model="agent:crew",
            status="waiting", attempt=1, steps=1, waiting_since=timezone.now())
        for here, prompt, answer in zip(places, prompts, answers, strict=True)
    )  # fmt: skip
    with connection.cursor() as cursor:
        # Or PostgreSQL takes the tables for as small as they were, and reads them whole.
        cursor.execute(f"ANALYZE {', '.join(TABLES)}")


@sync_to_async
def read_by_now():
    """Rows that queries have found in these tables, by index or not; workers' are all in once
    their connections are closed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname = ANY(%s))"
            " + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = ANY(%s))",
            [list(TABLES), list(TABLES)],
        )
        return int(cursor.fetchone()[0])


async def cost(monkeypatch, seconds=2.0):
    """Returns rows read and CPU of a worker that has nothing to do, per look."""
    looks, look = [], process.Worker._look_after

    async def counted(self, connection):
        looks.append(1)
        await look(self, connection)

    monkeypatch.setattr(process.Worker, "_look_after", counted)
    read = await read_by_now()
    async with working(worker_rescan=1 / LOOKS):
        await asyncio.sleep(0.3)
        spent, before = time.process_time(), len(looks)
        await asyncio.sleep(seconds)
        spent, number = time.process_time() - spent, len(looks) - before
    monkeypatch.undo()
    return (await read_by_now() - read) / len(looks), spent / number


async def test_a_thousand_that_wait_cost_a_worker_nothing(anna, monkeypatch, capsys):
    await cost(monkeypatch, 0.5)
    without = [await cost(monkeypatch) for _ in range(2)]
    await let_wait(anna)
    beside = [await cost(monkeypatch) for _ in range(2)]
    rows, spent = map(min, zip(*without, strict=True))
    more_rows, more_spent = map(min, zip(*beside, strict=True))
    with capsys.disabled():
        print(f"\n{MANY} waiting: {rows:.1f} -> {more_rows:.1f} rows and"
              f" {spent * 1e6:.0f} -> {more_spent * 1e6:.0f} µs a look")  # fmt: skip
    assert more_rows - rows < MANY / 100
    assert more_spent < 1.5 * spent
