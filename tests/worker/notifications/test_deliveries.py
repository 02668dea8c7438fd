"""A site's receivers are called for every end at least once, also when workers are killed."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction

import streams
from streams import signals
from streams.models import Delivery
from streams.postgres.connections import connect
from streams.worker.notifications import deliveries, signal_receivers
from tests.views.answers import begin, complete

from ..in_process_worker import until, working

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("other_half")]

KEPT = 3600.0


@pytest.fixture
def told():
    """The calls of a receiver, which uses the ORM to read them."""
    heard = []

    def receiver(sender, run, chat, status, delivery, attempt, **others):
        heard.append((chat.refresh(), run.refresh(), status, delivery, attempt))

    with listening(receiver):
        yield heard


@contextmanager
def listening(receiver):
    signals.run_ended.connect(receiver, weak=False)
    try:
        yield
    finally:
        signals.run_ended.disconnect(receiver)


async def test_an_answer_that_ended_is_told_once(anna, model, told):
    run = await (await streams.astart(anna)).aask("Hello")
    model.say("Hi").finish()

    async with working():
        await run.await_(10)
        await until(nothing_is_left_to_tell)

    ((chat, ended, status, _, attempt),) = told
    assert (ended, ended.text, status, attempt) == (run, "Hi", "completed", 1)
    assert chat.title == ""


async def test_an_answer_that_a_page_cancels_before_it_began_is_told_too(anna, model, told):
    run = await (await streams.astart(anna)).aask("Hello")
    await run.acancel()

    async with working():
        await until(nothing_is_left_to_tell)

    assert [status for _, _, status, _, _ in told] == ["cancelled"]


async def test_a_worker_killed_before_it_told_leaves_it_to_the_next(anna, model, told):
    run = await (await streams.astart(anna)).aask("Hello")
    await sync_to_async(ended)(run)
    async with await connect("test") as killed:
        (mine,) = await deliveries.claim(killed, KEPT)
    assert not told
    await due_now()

    async with working():
        await until(nothing_is_left_to_tell)

    ((_, _, _, delivery, attempt),) = told
    assert (delivery, attempt) == (mine.delivery, 2)


async def test_a_receiver_that_raises_is_told_again_by_the_same_number(anna, told, caplog):
    run = await (await streams.astart(anna)).aask("Hello")
    await sync_to_async(ended)(run)
    broken = [True]

    def breaking(**told):
        if broken.pop():
            broken.append(False)
            raise RuntimeError("not today")

    with listening(breaking):
        async with await connect("test") as connection:
            assert await told_of_all_due(connection) == [False]
            assert await told_of_all_due(connection) == []
            await due_now()
            assert await told_of_all_due(connection) == [True]

    assert [attempt for *_, attempt in told] == [1, 2]
    assert len({delivery for *_, delivery, _ in told}) == 1
    assert await nothing_is_left_to_tell()
    assert "not today" in caplog.text


@pytest.mark.parametrize("raised", [SystemExit("as a command may"), asyncio.CancelledError()])
async def test_a_receiver_that_ends_its_program_is_told_again_by_a_worker_that_goes_on(
    anna, caplog, raised
):
    chat, heard = await streams.astart(anna), []
    ending, other = await chat.aask("Ending"), await chat.aask("Other")

    def receiver(run, **told):
        heard.append(run.id)
        if run.id == ending.id:
            raise raised

    for run in (ending, other):
        await sync_to_async(ended)(run)
    with listening(receiver):
        async with working() as worker:
            await until(lambda: asyncio.sleep(0, other.id in heard))
            assert worker.loops.running

    assert "could not be told" in caplog.text
    assert await Delivery.objects.filter(run_id=ending._run.pk).aexists()


async def test_a_receiver_that_does_not_return_holds_up_nobody_and_is_called_once(
    anna, monkeypatch, caplog
):
    monkeypatch.setattr(deliveries, "RECEIVERS_WITHIN", 0.1)
    monkeypatch.setattr(deliveries, "KEPT_EVERY", 0.01)
    chat, going_on = await streams.astart(anna), threading.Event()
    stuck, other = await chat.aask("Stuck"), await chat.aask("Other")
    heard = []

    def receiver(run, **told):
        heard.append(run.id)
        if run.id == stuck.id:
            going_on.wait(60)

    for run in (stuck, other):
        await sync_to_async(ended)(run)
    with listening(receiver):
        async with working():
            await until(lambda: is_told(other))
            before = await due_at(stuck)
            await until(lambda: is_later(stuck, before))  # no other worker takes it
            monkeypatch.setattr(deliveries, "KEPT_EVERY", 60)
            await until(claimed_three_times)  # as if this one had been away for some minutes
            going_on.set()
            await until(nothing_is_left_to_tell)
    assert "does not return" in caplog.text
    assert sorted(heard) == sorted([stuck.id, other.id])


async def test_few_receivers_at_once_do_not_return(anna, monkeypatch, caplog):
    monkeypatch.setattr(deliveries, "RECEIVERS_WITHIN", 0.0)
    monkeypatch.setattr(signal_receivers, "AT_ONCE", 2)
    going_on, heard = threading.Event(), []

    def receiver(run, **told):
        heard.append(run.id)
        going_on.wait(60)

    for _ in range(4):
        await sync_to_async(ended)(await (await streams.astart(anna)).aask("Hello"))
    with listening(receiver):
        async with working():
            await until(lambda: asyncio.sleep(0, "too many receivers" in caplog.text))
            assert len(heard) <= 2
            going_on.set()
            await until(nothing_is_left_to_tell)


async def test_what_became_another_workers_while_its_batch_was_told_is_not_told_here(anna, told):
    await sync_to_async(ended)(await (await streams.astart(anna)).aask("Hello"))
    async with await connect("test") as connection:
        (mine,) = await deliveries.claim(connection, KEPT)
        before = await due_at()
        assert await deliveries.renewed(connection, mine) == set()
        assert await due_at() > before
        await due_now()
        (others,) = await deliveries.claim(connection, KEPT)
        assert await deliveries.renewed(connection, mine) is None
        assert await deliveries.renewed(connection, others) == set()


async def test_an_asynchronous_receiver_is_told_too(anna):
    heard = []

    async def receiver(run, **told):
        await asyncio.sleep(0)
        heard.append((await run.arefresh()).status)

    run = await (await streams.astart(anna)).aask("Hello")
    await sync_to_async(ended)(run)
    with listening(receiver):
        async with await connect("test") as connection:
            assert await told_of_all_due(connection) == [True]

    assert heard == ["completed"]


async def test_two_workers_share_what_is_due(anna, told):
    for _ in range(3):
        await sync_to_async(ended)(await (await streams.astart(anna)).aask("Hello"))

    async with await connect("test") as one, await connect("test") as other, one.transaction():
        first = await deliveries.claim(one, KEPT)
        assert await deliveries.claim(other, KEPT) == []

    assert len(first) == 3


async def test_what_nobody_takes_is_given_up(anna, told, caplog):
    await sync_to_async(ended)(await (await streams.astart(anna)).aask("Hello"))

    async with await connect("test") as connection:
        await deliveries.claim(connection, KEPT)
        assert await deliveries.claim(connection, 0.0) == []
        assert not await nothing_is_left_to_tell(), "somebody may be telling it right now"
        await due_now()
        assert await deliveries.claim(connection, 0.0) == []

    assert await nothing_is_left_to_tell()
    assert "given up" in caplog.text


async def test_without_receivers_nothing_piles_up(anna):
    await sync_to_async(ended)(await (await streams.astart(anna)).aask("Hello"))
    await due_now()

    async with await connect("test") as connection:
        await deliveries.claim(connection, KEPT)

    assert await nothing_is_left_to_tell()


async def test_a_worker_of_before_the_first_receiver_takes_nothing_from_those_that_have_one(anna):
    await sync_to_async(ended)(await (await streams.astart(anna)).aask("Hello"))
    heard = []

    async with await connect("test") as connection:
        assert await told_of_all_due(connection) == []
        with listening(lambda status, **told: heard.append(status)):
            assert await told_of_all_due(connection) == [True]

    assert heard == ["completed"]


async def test_the_end_of_what_has_been_deleted_is_passed_over(anna, told):
    chat = await streams.astart(anna)
    await sync_to_async(ended)(await chat.aask("Hello"))
    await sync_to_async(chat._conversation.delete)()

    async with await connect("test") as connection:
        assert await told_of_all_due(connection) == [True]

    assert not told
    assert await nothing_is_left_to_tell()


async def test_of_what_has_been_deleted_nothing_stays_where_nobody_listens_either(anna):
    chat = await streams.astart(anna)
    await sync_to_async(ended)(await chat.aask("Hello"))
    await sync_to_async(chat._conversation.delete)()

    async with await connect("test") as connection:
        await told_of_all_due(connection)

    assert await nothing_is_left_to_tell()


def test_what_is_rolled_back_has_not_ended(anna):
    run = streams.start(anna).ask("Hello")
    with transaction.atomic():
        run.cancel()
        transaction.set_rollback(True)

    assert not Delivery.objects.exists()


def ended(run):
    """Answered, by nobody who tells of it."""
    begin(run._run)
    complete(run._run)


async def told_of_all_due(connection):
    """Delivers all that is due; returns how each went."""
    went = []
    for due in await deliveries.claim(connection, KEPT):
        went.append(await sync_to_async(signal_receivers.tell)(due))
        await deliveries.settle(connection, due, went[-1])
    return went


@sync_to_async
def nothing_is_left_to_tell():
    return not Delivery.objects.exists()


@sync_to_async
def due_now():
    Delivery.objects.update(due_at="2020-01-01T00:00Z")


async def is_told(run):
    return not await Delivery.objects.filter(run_id=run._run.pk).aexists()


async def due_at(run=None):
    of = {"run_id": run._run.pk} if run else {}
    return (await Delivery.objects.aget(**of)).due_at


async def is_later(run, than):
    return await due_at(run) > than


@sync_to_async
def claimed_three_times():
    if Delivery.objects.filter(attempts__gte=3).exists():
        return True
    # Not one that has been claimed meanwhile: it would be claimed once more, and perhaps told.
    Delivery.objects.filter(attempts__lt=3).update(due_at="2020-01-01T00:00Z")
    return False
