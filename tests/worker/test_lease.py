"""The right to append for a run: taken with a token that only grows, and gone with its end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from streams import log
from streams.conf import Settings
from streams.log import appending
from streams.models import Conversation, Event, Worker
from streams.postgres.connections import connect
from streams.providers.base import Code
from streams.worker import abandoned_runs, claim, takeover
from tests.factories import WorkerFactory

pytestmark = pytest.mark.django_db(transaction=True)
ENDINGS = {
    "completed": {"stop_reason": "end_turn", "usage": {}},
    "failed": {"code": "internal", "message": "x", "retryable": True},
    "cancelled": {},
    "queued": {"attempt": 1},
}


@pytest.fixture
async def raw():
    async with await connect("test") as connection:
        yield connection
    await sync_to_async(connections.close_all)()


@pytest.fixture
async def held(raw, conversation, laptop):
    """A run some worker holds, which has begun to answer."""
    await sync_to_async(conversation.post)("Hello", laptop)
    worker = await sync_to_async(WorkerFactory)()
    [claimed] = await claim.claim(raw, worker.pk, 1)
    assert await said(raw, claimed) == "ok"
    return claimed


async def said(raw, run):
    """Returns the outcome of one more event under this lease."""
    events = [run.event("block.started", index=0, kind="text")]
    [outcome] = await log.append(raw, [log.Append(run.conversation_id, events, run.token)])
    return outcome.verdict


@sync_to_async
def token_of(run):
    return Conversation.objects.get(pk=run.conversation_id).lease_token


@sync_to_async
def types_of(run):
    rows = Event.objects.filter(run_id=run.run_id).order_by("seq")
    return [type.removeprefix("run.") for type in rows.values_list("type", flat=True)]


async def shut_out(raw, run, *last):
    assert await types_of(run) == ["queued", "started", "block.started", *last]
    assert await said(raw, run) == "refused"
    assert await types_of(run) == ["queued", "started", "block.started", *last]
    assert await token_of(run) > run.token


@pytest.mark.parametrize("how", ENDINGS)
async def test_whoever_ends_a_run_can_say_no_more(raw, held, how):
    change = log.RunChange(held.run_id, status=how, answer_id=held.answer_id)
    end = held.event(f"run.{how}", **ENDINGS[how])
    await log.append(raw, [log.Append(held.conversation_id, [end], held.token, change)])
    await shut_out(raw, held, how)


async def test_a_run_that_was_given_up_can_say_no_more(raw, held):
    await abandoned_runs.give_up(raw, held, Code.STORAGE)
    await shut_out(raw, held, "failed")


@pytest.mark.parametrize(
    ("attempts", "asked", "last"),
    [(3, False, ["started"]), (1, False, ["failed"]), (3, True, ["cancel_requested", "cancelled"])],
)
async def test_a_worker_whose_run_was_taken_over_can_say_no_more(
    raw, held, laptop, attempts, asked, last
):
    if asked:
        run = await sync_to_async(lambda: laptop.user.streams_conversations.get().runs.get())()
        await sync_to_async(run.cancel)(laptop)
    await sync_to_async(Worker.objects.update)(beat_at="2000-01-01T00:00Z")
    other = await sync_to_async(WorkerFactory)()
    taken = await takeover.take_over(raw, other.pk, [], 10, Settings(max_attempts=attempts))
    assert len(taken) == (last == ["started"])
    assert all(run.token > held.token for run in taken)
    await shut_out(raw, held, *last)


async def test_every_claim_has_a_token_greater_than_any_before(raw, conversation, laptop):
    worker = await sync_to_async(WorkerFactory)()
    tokens = []
    for _ in range(3):
        await sync_to_async(conversation.post)("Hello", laptop)
        before = (await sync_to_async(conversation.refresh_from_db)()) or conversation.lease_token
        [run] = await claim.claim(raw, worker.pk, 1)
        assert run.token > before
        tokens.append(run.token)
        await abandoned_runs.end(raw, run, Code.INTERNAL)
    assert tokens == sorted(set(tokens))


async def test_of_what_a_statement_leaves_out_a_lost_lease_is_told_from_a_busy_row(
    raw, held, conversation, laptop, monkeypatch
):
    async with await connect("other") as other:
        await other.execute("BEGIN")
        await other.execute("SELECT FROM streams_conversation FOR NO KEY UPDATE")
        assert await said(raw, held) == "busy"
        assert await said(raw, replace(held, token=held.token - 1)) == "refused"
        assert await said(raw, replace(held, conversation_id=held.conversation_id + 1)) == "refused"
        # Others' events have been committed by then: an error would have them sent again.
        monkeypatch.setattr(appending, "LEFT_OUT", "SELECT 1 / 0")
        assert await said(raw, replace(held, token=held.token - 1)) == "busy"
    assert await said(raw, held) == "ok"
