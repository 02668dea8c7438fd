"""A worker in this process, with a provider that obeys: claims, stops, races, take-overs."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from streams import log
from streams.conf import conf
from streams.models import Event, Run, Worker
from streams.postgres import channels
from streams.postgres.connections import connect
from streams.providers.base import Code, ProviderError
from streams.worker import claim, process, takeover
from streams.worker.answer_runner import Stop
from streams.worker.claim_batches import Claims
from streams.worker.heartbeat import Heartbeat
from streams.worker.local_processes import process_identity
from tests.factories import ConversationFactory, WorkerFactory
from tests.fake_provider import Obedient
from tests.worker.in_process_worker import assert_whole, fresh, post, shown, status, until, working

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("other_half")]


async def test_a_look_at_an_empty_queue_locks_nothing(monkeypatch):
    one = process.Worker(conf())
    monkeypatch.setattr(Claims, "take", None)
    async with one.pool:
        assert not await one._claim()
        one._heard(channels.WORK, "queued")
        with pytest.raises(TypeError):
            await one._claim()


async def test_an_answer_is_streamed_and_completed(model, conversation, laptop):
    run = await post(conversation, laptop)
    model.say("Good ", "morning").finish()
    async with working():
        done = await status(run, "completed")
    assert done.answer.text == "Good morning"
    assert done.usage == {"output_tokens": 1}
    assert done.first_token_at >= done.started_at
    assert model.prompts[0].turns[-1].text == "Hello"
    await assert_whole(run)


async def test_a_second_prompt_waits_for_the_first_and_then_knows_its_answer(
    model, conversation, laptop
):
    first = await post(conversation, laptop, "One")
    second = await post(conversation, laptop, "Two")
    async with working():
        model.say("first")
        await shown(first, "first")
        assert (await fresh(second)).status == "queued"
        model.finish()
        await status(first, "completed")
        model.say("second").finish()
        await status(second, "completed")
    assert [turn.text for turn in model.prompts[1].turns] == ["One", "first", "Two"]
    await assert_whole(first)
    await assert_whole(second)


async def test_a_cancel_keeps_the_text_and_lets_the_provider_go(model, conversation, laptop, phone):
    run = await post(conversation, laptop)
    async with working():
        model.say("Once upon")
        await shown(run, "Once upon")
        await sync_to_async(run.cancel)(phone)
        done = await status(run, "cancelled")
        assert model.closed == 1
    assert done.answer.text == "Once upon"
    assert done.cancelled_by == phone.mark
    await assert_whole(run)


async def test_a_cancel_works_when_its_signal_is_lost(model, conversation, laptop, monkeypatch):
    run = await post(conversation, laptop)
    async with working():
        await until(lambda: asyncio.sleep(0, model.asked.is_set()))
        monkeypatch.setattr("streams.postgres.channels.cancel_requested", lambda run_id: None)
        await sync_to_async(run.cancel)(laptop)
        await status(run, "cancelled")
    await assert_whole(run)


async def test_a_retryable_failure_is_tried_again_while_nothing_was_shown(
    model, conversation, laptop
):
    run = await post(conversation, laptop)
    model.fail(ProviderError(Code.OVERLOADED, retry_after=0.01)).say("Fine").finish()
    async with working():
        await status(run, "completed")
    assert len(model.prompts) == 2
    await assert_whole(run)


async def test_a_failure_after_something_was_shown_ends_the_run(model, conversation, laptop):
    run = await post(conversation, laptop)
    model.say("Half").fail(ProviderError(Code.OVERLOADED))
    async with working():
        done = await status(run, "failed")
    assert (done.error_code, done.retryable, done.answer.text) == ("overloaded", True, "Half")
    assert len(model.prompts) == 1
    await assert_whole(run)


async def test_a_silent_model_times_out(model, conversation, laptop):
    run = await post(conversation, laptop)
    async with working(first_token_timeout=0.1, provider_retries=1):
        done = await status(run, "failed")
    assert done.error_code == "timeout"
    assert model.closed == 1
    await assert_whole(run)


async def test_a_drained_worker_hands_its_run_back_and_another_begins_it_anew(
    model, conversation, laptop
):
    run = await post(conversation, laptop)
    async with working(drain=0.0):
        model.say("Half")
        await shown(run, "Half")
    assert (await fresh(run)).status == "queued"
    async with working():
        await until(lambda: asyncio.sleep(0, len(model.prompts) == 2))
        model.say("Whole").finish()
        done = await status(run, "completed")
    assert (done.attempt, done.answer.text) == (2, "Whole")
    await assert_whole(run)


async def test_a_handed_back_run_that_is_cancelled_keeps_what_it_had_shown(
    model, conversation, laptop
):
    run = await post(conversation, laptop)
    async with working(drain=0.0):
        model.say("Half")
        await shown(run, "Half")
    await sync_to_async((await fresh(run)).cancel)(laptop)
    assert (await fresh(run)).answer.text == "Half"
    await assert_whole(run)


@pytest.fixture
async def abandoned(model, conversation, laptop):
    """A running run whose worker has not been heard of for an hour."""
    run = await post(conversation, laptop)
    gone = await sync_to_async(WorkerFactory)()
    async with await connect("test") as connection:
        [claimed] = await claim.claim(connection, gone.pk, 1)
        half = [
            claimed.event("block.started", index=0, kind="text"),
            claimed.event("block.delta", index=0, text="Half"),
        ]
        await log.append(connection, [log.Append(run.conversation_id, half, claimed.token)])
        await connection.execute(
            "UPDATE streams_worker SET beat_at = now() - interval '1 hour' WHERE id = %s", [gone.pk]
        )
    return run, claimed


async def test_an_expired_lease_is_taken_over_and_its_holder_shut_out(model, abandoned):
    run, claimed = abandoned
    model.say("Whole").finish()
    async with working():
        done = await status(run, "completed")
    assert (done.attempt, done.answer.text) == (2, "Whole")
    async with await connect("test") as zombie:
        late = [claimed.event("block.delta", index=0, text="late")]
        [outcome] = await log.append(zombie, [log.Append(run.conversation_id, late, claimed.token)])
    assert outcome.verdict == "refused"
    await assert_whole(run)


async def test_a_claim_whose_answer_was_lost_is_noticed_by_the_worker_itself(
    model, conversation, laptop, monkeypatch
):
    """Committed as this worker's, and unknown to it: nobody else will ever take it."""
    real = Claims.take
    lost = []

    async def lose_the_first(*known):
        taken = await real(*known)
        if taken.runs and not lost:
            lost.extend(taken.runs)
            raise psycopg.OperationalError("the connection is lost")
        return taken

    monkeypatch.setattr(Claims, "take", lose_the_first)
    run = await post(conversation, laptop)
    model.say("Whole").finish()
    async with working():
        done = await status(run, "completed")
    assert (done.attempt, done.answer.text) == (2, "Whole")
    await assert_whole(run)


async def test_a_worker_that_slept_does_not_take_over_from_itself(model, conversation, laptop):
    run = await post(conversation, laptop)
    async with working() as one:
        model.say("Half")
        await shown(run, "Half")
        async with await connect("test") as connection:
            await connection.execute("UPDATE streams_worker SET beat_at = now() - interval '1 h'")
            held = list(one.running)
            known = one.heartbeat.worker_id, held, 10, one.conf
            assert await takeover.take_over(connection, *known) == []
        model.say(" and half").finish()
        done = await status(run, "completed")
    assert (done.attempt, done.answer.text) == (1, "Half and half")


async def test_a_run_stopped_while_the_buffer_is_full_keeps_what_was_written_alone(
    model, conversation, laptop, phone
):
    run = await post(conversation, laptop)
    async with working(buffer_events=4) as one:
        async with await connect("test") as holder:
            await until(lambda: asyncio.sleep(0, model.asked.is_set()))
            async with holder.transaction():
                await holder.execute("LOCK TABLE streams_event IN SHARE MODE")
                model.say(*"abcdefgh")
                [runner] = one.running.values()
                await until(lambda: asyncio.sleep(0, one.writer.is_full(runner.lease)))
                runner.stop(Stop.CANCEL, phone.mark)
                await asyncio.sleep(0)
        await status(run, "cancelled")
    await assert_whole(run)


async def test_nobody_takes_over_within_one_lease_of_their_own_start(model, abandoned):
    run, _ = abandoned
    model.say("Whole").finish()
    started = asyncio.get_running_loop().time()
    async with working(lease=1.0):
        await status(run, "completed")
    assert asyncio.get_running_loop().time() - started >= 1.0


async def test_a_worker_that_is_started_for_a_killed_one_goes_on_at_once(model, abandoned):
    """Beside the one that was killed, it need not wait for a lease, nor for its second look."""
    run, _ = abandoned
    ended = await asyncio.create_subprocess_exec("true")
    await ended.wait()
    place = process_identity().rpartition("/")[0]
    mine = Worker.objects.filter(pk=(await fresh(run)).worker_id)
    await mine.aupdate(process=f"{place}/{ended.pid}", beat_at=Now())
    model.say("Whole").finish()
    async with working(lease=60.0, worker_rescan=60.0):
        await status(run, "completed")
    assert (await mine.aget()).lost


async def test_a_beat_that_fails_within_a_look_does_not_season_a_worker(
    model, abandoned, monkeypatch
):
    """As after an outage, when the look gets a connection and the beat runs out of patience."""
    run, _ = abandoned
    other = (await fresh(run)).worker_id

    async def no_beat(*_):
        raise psycopg.OperationalError("couldn't get a connection")

    async with working(lease=30.0) as one:
        look = one._look_after

        async def slow_look(connection):
            await asyncio.sleep(0.3)
            await look(connection)

        one._look_after = slow_look
        monkeypatch.setattr(Heartbeat, "beat", no_beat)
        await asyncio.sleep(1)
        assert (await fresh(run)).worker_id == other


async def test_a_signal_to_cancel_that_nobody_recorded_does_not_strand_the_run(
    model, conversation, laptop
):
    """A commit can be lost to a failover after its NOTIFY went out."""
    run = await post(conversation, laptop)
    async with working():
        model.say("Half")
        await shown(run, "Half")
        async with await connect("test") as connection:
            said = [channels.WORK, f"cancel {run.pk}"]
            await connection.execute("SELECT pg_notify(%s, %s)", said)
        await until(lambda: asyncio.sleep(0, model.closed))
        model.say(" and half").finish()
        await status(run, "completed")
    await assert_whole(run)


async def test_a_worker_given_up_by_mistake_is_alive_with_its_next_beat(
    model, conversation, laptop
):
    run = await post(conversation, laptop)
    async with working() as one:
        await status(run, "running")
        async with await connect("test") as connection:
            me = one.heartbeat.worker_id
            await connection.execute(
                "UPDATE streams_worker SET stopped_at = now(), lost = true WHERE id = %s", [me]
            )
        await until(lambda: Worker.objects.filter(pk=me, stopped_at=None, lost=False).aexists())
        model.finish()


async def test_a_cancel_asked_of_a_dead_worker_is_granted_by_a_full_one(
    model, abandoned, anna, laptop, phone
):
    run, _ = abandoned
    await sync_to_async(run.cancel)(phone)
    elsewhere = await sync_to_async(ConversationFactory)(owner=anna)
    busy = await post(elsewhere, laptop)
    async with working(concurrency=1):
        await status(busy, "running")
        await status(run, "cancelled")
        assert (await fresh(busy)).status == "running"
        model.finish()
    await assert_whole(run)


async def test_locked_rows_do_not_keep_a_beat_waiting(anna, laptop):
    """Runs that cannot be stored any more are ended by the worker that gets their rows; all
    connections of the pool may wait for that."""
    make = sync_to_async(ConversationFactory.create_batch)
    held = await make(4, owner=anna, model="scripted:count-9999@20")
    runs = [await post(each, laptop) for each in held]
    async with working(buffer_seconds=0.2) as one, await connect("test") as holder:
        for run in runs:
            await status(run, "running")
        async with holder.transaction():
            ids = [each.pk for each in held]
            await holder.execute(
                "SELECT FROM streams_conversation WHERE id = ANY(%s) FOR UPDATE", [ids]
            )
            await until(lambda: asyncio.sleep(0, one.pool.get_stats()["requests_waiting"]))
            me = Worker.objects.filter(pk=one.heartbeat.worker_id)
            before = (await me.aget()).beat_at
            await until(lambda: me.filter(beat_at__gt=before + timedelta(seconds=0.5)).aexists(), 3)
        for run in runs:
            await status(run, "failed")


async def test_a_locked_conversation_holds_up_no_other_after_a_lost_connection(anna, laptop):
    make = sync_to_async(ConversationFactory.create_batch)
    held, other = await make(2, owner=anna, model="scripted:count-300@100")
    stuck, free = await post(held, laptop), await post(other, laptop)
    async with working(lease=10.0, drain=10.0) as one, await connect("test") as holder:
        for run in (stuck, free):
            deltas = Event.objects.filter(run_id=run.pk, type="block.delta")
            await until(deltas.aexists)
        async with holder.transaction():
            await holder.execute(
                "SELECT FROM streams_conversation WHERE id = %s FOR UPDATE", [held.pk]
            )
            held_up = one.running[stuck.pk].lease.buffer
            # So that it is in the next flight.
            await until(lambda: asyncio.sleep(0, held_up.pending))
            async with await connect("test") as killer:
                await killer.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'chatstream writer'"
                    "   AND datname = current_database()"
                )
            await status(free, "completed")
            assert (await fresh(stuck)).status == "running"
        await status(stuck, "completed")
    for run in (stuck, free):
        assert (await fresh(run)).answer.text.split() == [str(n) for n in range(1, 301)]
        await assert_whole(run)


async def test_a_cancel_asked_of_a_dead_worker_is_granted_by_the_next(model, abandoned, phone):
    run, _ = abandoned
    await sync_to_async(run.cancel)(phone)
    async with working():
        done = await status(run, "cancelled")
    assert (done.answer.text, done.cancelled_by) == ("Half", phone.mark)
    await assert_whole(run)


async def test_the_third_lost_worker_fails_the_run(model, abandoned):
    run, _ = abandoned
    await sync_to_async(Run.objects.filter(pk=run.pk).update)(deaths=2)
    async with working():
        done = await status(run, "failed")
    assert (done.error_code, done.answer.text, done.deaths) == ("worker_lost", "Half", 3)
    await assert_whole(run)


async def test_an_answer_that_was_handed_back_often_survives_a_crash(model, conversation, laptop):
    run = await post(conversation, laptop)
    gone = await sync_to_async(WorkerFactory)(beat_at=timezone.now() - timedelta(hours=1))
    async with await connect("test") as connection:
        for _ in range(3):
            [held] = await claim.claim(connection, gone.pk, 1)
            back = log.RunChange(run.pk, status="queued")
            said = [held.event("run.queued", attempt=held.attempt)]
            await log.append(connection, [log.Append(conversation.pk, said, held.token, back)])
        await claim.claim(connection, gone.pk, 1)
    model.say("Whole").finish()
    async with working():
        done = await status(run, "completed", "failed")
    assert (done.answer.text, done.attempt, done.deaths) == ("Whole", 5, 1)
    await assert_whole(run)


async def test_many_workers_claim_each_run_once(model, anna, laptop):
    conversations = await sync_to_async(ConversationFactory.create_batch)(8, owner=anna)
    runs = [await post(each, laptop) for each in conversations for _ in range(3)]
    for _ in runs:
        model.say("x").finish()
    async with working(), working(), working():
        for run in runs:
            await status(run, "completed")
    assert len(model.prompts) == len(runs)
    for run in runs:
        await assert_whole(run)


@pytest.mark.races(40)
async def test_cancel_races_leave_exactly_one_terminal_event(
    model, conversation, laptop, phone, monkeypatch, races
):
    """Seeded interleavings: before the claim, before the first token, mid-answer, in a
    stall, from two devices at once, at the instant of completion, after the end."""
    ends = {"completed": 0, "cancelled": 0, "failed": 0}
    async with working():
        for seed in range(races):
            model = Obedient()
            monkeypatch.setattr(process, "resolve", lambda name, model=model: (model, name))
            run = await race(random.Random(seed), model, conversation, (laptop, phone))
            ends[run.status] += 1
            await assert_whole(run)
    assert min(ends["completed"], ends["cancelled"]) > races / 10, (
        f"the races are one-sided: {ends}"
    )


async def race(chance, model, conversation, devices):
    run = await post(conversation, devices[0])

    async def produce():
        for word in ("a", "b", "c")[: chance.randrange(4)]:
            await asyncio.sleep(chance.choice((0, 0, 0.001, 0.003)))
            model.say(word)
        if chance.random() < 0.8:
            model.finish()

    async def cancel(device, after):
        await asyncio.sleep(after)
        await asyncio.to_thread(cancel_in_thread, run, device)

    moment = chance.choice((0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.05))
    await asyncio.gather(
        produce(), *(cancel(each, moment + chance.choice((0, 0, 0.002))) for each in devices)
    )
    ended = await status(run, "completed", "cancelled", "failed")  # nothing was said: empty
    await asyncio.to_thread(cancel_in_thread, run, devices[0])
    return ended


def cancel_in_thread(run, device):
    try:
        run.cancel(device)
    finally:
        connections.close_all()


async def test_a_model_that_is_not_set_up_any_more_is_not_worth_another_try(anna, laptop):
    conversation = await sync_to_async(ConversationFactory)(owner=anna, model="anthropic:x")
    run = await post(conversation, laptop)
    async with working():
        done = await status(run, "failed")
    assert (done.error_code, done.retryable) == ("bad_request", False)
    await assert_whole(run)
    await sync_to_async(connections.close_all)()
