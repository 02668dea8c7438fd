"""A conversation with invalid rows is set aside and reported, and delays no other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from streams import log
from streams.conf import Settings
from streams.models import Conversation, Event, Fault, Run
from streams.postgres.connections import connect
from streams.worker import claim, purging, quarantine, retention, takeover
from tests.client import cookies_of
from tests.factories import ConversationFactory, WorkerFactory
from tests.views.answers import begin, complete, say
from tests.worker.in_process_worker import assert_whole, fresh, post, status, until, working

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("other_half")]

LOST = timedelta(seconds=60)


@pytest.fixture
async def raw(transactional_db):
    async with await connect("test") as connection:
        yield connection


@sync_to_async
def conversations(owner, count):
    return ConversationFactory.create_batch(count, owner=owner)


@sync_to_async
def set_back(conversation, by=1):
    """Sets the conversation's counter back, as a partial restore does: it gives numbers out again
    that the log has used.
    """
    here = Conversation.objects.get(pk=conversation.pk)
    Conversation.objects.filter(pk=conversation.pk).update(last_seq=here.last_seq - by)


@sync_to_async
def refuse(table, conversation_id, change="UPDATE"):
    """PostgreSQL cannot do it with this conversation's rows, as when they are corrupted."""
    column = "id" if table == "streams_conversation" else "conversation_id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'XX001'; END$$;
            CREATE TRIGGER refused BEFORE {change} ON {table} FOR EACH ROW
              WHEN (OLD.{column} = {conversation_id}) EXECUTE FUNCTION refused();
            """
        )


@pytest.fixture(autouse=True)
def _accepted(transactional_db):
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION IF EXISTS refused CASCADE")


@sync_to_async
def faults():
    return {(fault.conversation_id, fault.act) for fault in Fault.objects.all()}


async def mended(raw):
    await raw.execute(
        "UPDATE streams_conversation c SET last_seq = greatest(last_seq,"
        " (SELECT max(seq) FROM streams_event e WHERE e.conversation_id = c.id))"
    )
    await raw.execute("UPDATE streams_fault SET retry_at = now()")


async def test_everyone_elses_prompts_are_answered(model, anna, laptop, raw, caplog):
    all_of_them = await conversations(anna, 4)
    runs = [await post(each, laptop) for each in all_of_them]
    await set_back(all_of_them[0])
    for _ in runs:
        model.say("Fine").finish()
    async with working():
        for run in runs[1:]:
            await status(run, "completed")
        assert await faults() == {(all_of_them[0].pk, "answer")}
        assert (await fresh(runs[0])).status == "queued"
        await mended(raw)
        await status(runs[0], "completed")
        await until(lambda: sync_to_async(lambda: not Fault.objects.exists())())
    for run in runs:
        await assert_whole(run)
    [said] = [r.getMessage() for r in caplog.records if "set aside" in r.getMessage()]
    assert str(all_of_them[0].pk) in said
    assert "UniqueViolation" in said


async def test_an_answer_whose_end_cannot_be_stored_leaves_its_worker_alive(
    model, anna, laptop, raw
):
    bad, good = await conversations(anna, 2)
    run = await post(bad, laptop)
    async with working() as worker:
        model.say("Half")
        await until(lambda: sync_to_async(Event.objects.filter(type="block.delta").exists)())
        await set_back(bad)
        model.say("lost")
        await until(faults)
        assert not worker.running
        other = await post(good, laptop)
        model.say("Fine").finish()
        await status(other, "completed")
        await mended(raw)
        model.say("Whole").finish()
        done = await status(run, "completed")
    assert (done.answer.text, done.attempt, done.deaths) == ("Whole", 2, 0)
    await assert_whole(run)
    await assert_whole(other)


@pytest.fixture
async def six(anna, laptop):
    """Answers of a worker that was lost; every second was asked to stop. The third and the
    fourth's conversations are broken."""
    dead = await sync_to_async(WorkerFactory)(beat_at=timezone.now() - LOST)
    runs = [await post(each, laptop) for each in await conversations(anna, 6)]
    for n, run in enumerate(runs):
        await sync_to_async(begin)(run)
        ids = Conversation.objects.filter(pk=run.conversation_id)
        await ids.aupdate(active_run_id=run.pk)
        await Run.objects.filter(pk=run.pk).aupdate(worker=dead)
        if n % 2:
            await sync_to_async(run.cancel)(laptop)
    for broken in runs[2:4]:
        await set_back(await Conversation.objects.aget(pk=broken.conversation_id))
    return runs


async def test_a_take_over_leaves_the_broken_ones_behind(raw, six):
    worker = await sync_to_async(WorkerFactory)()
    taken = await takeover.take_over(raw, worker.pk, [], 10, Settings())
    assert {run.run_id for run in taken} == {six[0].pk, six[4].pk}
    assert [(await fresh(run)).status for run in six] == [
        *("running", "cancelled"), *("running", "running"), *("running", "cancelled")
    ]  # fmt: skip
    assert await faults() == {(run.conversation_id, "answer") for run in six[2:4]}
    held = [run.run_id for run in taken]
    assert await takeover.take_over(raw, worker.pk, held, 10, Settings()) == [], "not yet"
    await mended(raw)
    again = await takeover.take_over(raw, worker.pk, held, 10, Settings())
    assert [run.run_id for run in again] == [six[2].pk]
    assert (await fresh(six[3])).status == "cancelled"
    assert await faults() == set()


async def test_a_log_that_makes_no_sense_is_a_fault_of_its_own_too(raw, six):
    """Folding it for its last word fails in Python, where PostgreSQL has nothing to object to."""
    await mended(raw)
    await Event.objects.filter(conversation_id=six[1].conversation_id, type="run.started").adelete()
    stray = six[1].event("block.delta", index=7, text="?")
    await log.append(raw, [log.Append(six[1].conversation_id, [stray])])
    worker = await sync_to_async(WorkerFactory)()
    taken = await takeover.take_over(raw, worker.pk, [], 10, Settings())
    assert {run.run_id for run in taken} == {run.pk for run in six[::2]}
    assert await faults() == {(six[1].conversation_id, "answer")}
    assert (await fresh(six[3])).status == "cancelled"


@sync_to_async
def answered(conversation, device):
    _, run, _ = conversation.post("Hello", device)
    begin(run)
    say(run, "a", "b", "c")
    complete(run)
    return run


async def test_compaction_goes_on_with_the_others(raw, anna, laptop):
    three = await conversations(anna, 3)
    runs = [await answered(each, laptop) for each in three]
    await refuse("streams_event", three[1].pk)
    assert await retention.compact_ended(raw, 0, 10) == (2, 4)
    assert await faults() == {(three[1].pk, "compaction")}
    assert [(await fresh(run)).folded_at is None for run in runs] == [False, True, False]
    assert await retention.compact_ended(raw, 0, 10) == (0, 0)


async def test_purging_goes_on_with_the_others(raw, anna, laptop):
    three = await conversations(anna, 3)
    for each in three:
        await answered(each, laptop)
        await sync_to_async(each.delete_softly)(laptop)
    await refuse("streams_message", three[1].pk, "DELETE")
    assert await purging.purge(raw, 0) == 2
    assert await faults() == {(three[1].pk, "purge")}
    assert await purging.purge(raw, 0) == 0


async def test_one_that_fails_again_is_tried_later_and_later(raw, anna, laptop):
    [bad] = await conversations(anna, 1)
    await post(bad, laptop)
    await set_back(bad)
    worker = await sync_to_async(WorkerFactory)()
    waits = []
    for times in range(1, 9):
        assert await claim.claim(raw, worker.pk, 5) == []
        assert not await claim.is_waiting(raw), "or the worker would spin"
        fault = await Fault.objects.aget()
        assert fault.times == times
        waits.append(round((fault.retry_at - fault.last_at).total_seconds()))
        await raw.execute("UPDATE streams_fault SET retry_at = now()")
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]


async def test_what_is_over_is_not_told_for_ever(raw, anna):
    """A title is asked for once, and a run that was set aside may be stopped: nothing is then
    tried again that could succeed."""
    named, unnamed, stopped, failing = await conversations(anna, 4)
    acts = {named: "title", unnamed: "title", stopped: "answer", failing: "answer"}
    for each, act in acts.items():
        await quarantine.set_aside(raw, each.pk, Fault.Act(act), ValueError())
    await Conversation.objects.filter(pk=named.pk).aupdate(title="Rain")
    await raw.execute(
        "UPDATE streams_fault SET last_at = now() - interval '25 hours' WHERE conversation_id = %s",
        [stopped.pk],
    )
    await retention.forget(raw, 3600)
    assert await faults() == {(unnamed.pk, "title"), (failing.pk, "answer")}


async def test_what_is_wrong_for_everyone_sets_nobody_aside(raw, anna, laptop):
    for each in await conversations(anna, 2):
        await post(each, laptop)
    await raw.execute("ALTER TABLE streams_event RENAME COLUMN type TO kind")
    try:
        with pytest.raises(Exception, match="column"):
            await claim.claim(raw, (await sync_to_async(WorkerFactory)()).pk, 5)
    finally:
        await raw.execute("ALTER TABLE streams_event RENAME COLUMN kind TO type")
    assert await faults() == set()


@sync_to_async
def asked_over_http(client, device, conversation):
    client.cookies.load(cookies_of(device))
    return client.post(
        f"/c/{conversation.uuid}/messages",
        {"content": "Hello"},
        headers={"Accept": "application/json"},
    )


async def test_a_person_is_told_and_so_are_those_on_call(raw, client, admin_client, anna, laptop):
    [bad] = await conversations(anna, 1)
    await post(bad, laptop)
    assert "set_aside" not in (await sync_to_async(client.get)("/readyz")).json()
    await set_back(bad)
    worker = await sync_to_async(WorkerFactory)()
    await claim.claim(raw, worker.pk, 5)
    ready = await sync_to_async(client.get)("/readyz")
    assert (ready.status_code, ready.json()["set_aside"]) == (200, 1)
    for page in ("", "?set_aside=yes", f"{bad.pk}/change/"):
        shown = await sync_to_async(admin_client.get)(f"/admin/streams/conversation/{page}")
        assert "pill-set-aside" in shown.content.decode()
    assert "UniqueViolation" in shown.content.decode()
    refused = await asked_over_http(client, laptop, bad)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "set_aside")
