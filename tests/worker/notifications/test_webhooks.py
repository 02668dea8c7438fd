"""Other programs are told of runs by signed requests, at least once, and of no text."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession
from asgiref.sync import sync_to_async
from standardwebhooks import Webhook

import streams
from streams import signals
from streams.models import Delivery, GoneWebhook
from streams.postgres.connections import pool
from streams.worker.notifications import deliveries, notice, web_push, webhooks

from ..agent_runs import decide, held_up
from ..in_process_worker import status, until, working
from .http_receiver import receiving
from .test_deliveries import due_now, ended, nothing_is_left_to_tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("other_half")]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@asynccontextmanager
async def told(settings, *statuses, **others):
    """A receiver, and a worker that tells it."""
    async with receiving() as receiver:
        receiver.statuses += statuses
        hooks = {"crm": {"url": f"{receiver.url}/runs", "secret": SECRET}, **others}
        settings.STREAMS = {**settings.STREAMS, "webhooks": hooks}
        async with working():
            yield receiver


def verified(received):
    return Webhook(SECRET).verify(received.body, received.headers)


async def tried(count):
    """Once the one delivery was tried so often, it is due."""
    so_often = Delivery.objects.filter(attempts=count, done=["receivers"])
    await until(lambda: so_often.aexists())
    await due_now()


async def test_an_end_is_told_with_a_signature_and_without_a_text(anna, settings):
    run = await (await streams.astart(anna)).aask("A secret question")
    await sync_to_async(ended)(run)

    async with told(settings) as receiver:
        await until(nothing_is_left_to_tell)

    (received,) = receiver.got
    body = verified(received)
    assert (body["type"], body["data"]["run"]) == ("run.completed", str(run.id))
    assert body["data"]["user"] == str(anna.pk)
    assert b"secret" not in received.body


async def test_a_failure_and_a_redirect_are_tried_again_by_the_same_id_and_others_are_not(
    anna, settings
):
    heard = []

    def receiver_of_signals(delivery, **more):
        heard.append(delivery)

    signals.run_ended.connect(receiver_of_signals)
    await sync_to_async(ended)(await (await streams.astart(anna)).aask("Hello"))
    async with told(settings, 500, 302) as receiver:
        await tried(1)
        await tried(2)
        await until(nothing_is_left_to_tell)
    signals.run_ended.disconnect(receiver_of_signals)

    assert [received.path for received in receiver.got] == ["/runs"] * 3
    assert len({received.headers["webhook-id"] for received in receiver.got}) == 1
    assert [verified(received)["type"] for received in receiver.got] == ["run.completed"] * 3
    assert len(heard) == 1


async def test_a_receiver_that_does_not_return_leaves_webhooks_their_tries(
    anna, settings, monkeypatch
):
    monkeypatch.setattr(deliveries, "RECEIVERS_WITHIN", 0.0)
    monkeypatch.setattr(deliveries, "LONGEST_PAUSE", 0.05)
    going_on, heard = threading.Event(), []

    def stuck(delivery, **more):
        heard.append(delivery)
        going_on.wait(60)

    signals.run_ended.connect(stuck)
    await sync_to_async(ended)(await (await streams.astart(anna)).aask("Hello"))
    try:
        async with told(settings, 500, 500):
            await until(Delivery.objects.filter(done=["webhook:crm"]).aexists)
            going_on.set()
            await until(nothing_is_left_to_tell)
    finally:
        going_on.set()
        signals.run_ended.disconnect(stuck)
    assert len(heard) == 1


async def two_of(deliveries):
    return await deliveries.acount() == 2


async def test_one_that_has_gone_is_left_alone_by_all_until_it_moves_or_somebody_says_so(anna):
    run = await (await streams.astart(anna)).aask("Hello")
    await sync_to_async(ended)(run)
    delivery = await Delivery.objects.alatest("pk")
    async with receiving() as receiver, ClientSession() as session, pool("tests", most=1) as these:
        async with these.connection() as connection:
            known = await notice.read(connection, delivery.pk)

        def hook(path):
            options = {"url": receiver.url + path, "secret": SECRET}
            return webhooks.Webhook("crm", options, session, these)

        receiver.statuses += [410, 410]
        for _ in range(2):
            assert await hook("/old").tell(known, ()) == ({"webhook:crm"}, True)
            assert len(receiver.got) == 1
        for count in (2, 2):
            await hook("/new").tell(known, ())
            assert len(receiver.got) == count
        await GoneWebhook.objects.all().adelete()
        await hook("/new").tell(known, ())
        assert len(receiver.got) == 3


async def test_one_that_is_away_holds_up_no_other_and_one_that_has_gone_is_left_alone(
    anna, settings
):
    away = {"url": "http://127.0.0.1:9/", "secret": SECRET}
    chat = await streams.astart(anna)
    await sync_to_async(ended)(await chat.aask("One"))
    async with told(settings, 410, away=away) as receiver:
        await until(lambda: asyncio.sleep(0, receiver.got))
        await sync_to_async(ended)(await chat.aask("Two"))
        hooks = Delivery.objects.filter(attempts__gt=0, done__contains=["receivers"])
        await until(lambda: hooks.aexists())
        both = hooks.filter(done__contains=["webhook:crm"])
        await until(lambda: two_of(both))

    assert len(receiver.got) == 1, "the second would have been told to an address that has gone"


async def test_a_run_that_waits_is_told_by_signal_and_webhook_with_an_id_of_its_own(
    working_on, laptop, script, settings
):
    heard = []

    def waits(run, delivery, **more):
        heard.append((run.id, more["status"], delivery))

    signals.run_waiting.connect(waits)
    async with told(settings) as receiver:
        run = await held_up(script, working_on, laptop, ("pay", "rent"))
        await status(run, "waiting")
        await until(nothing_is_left_to_tell)
        await decide(run, "denied", laptop)
        await status(run, "completed")
        await until(nothing_is_left_to_tell)
    signals.run_waiting.disconnect(waits)

    assert [each[:2] for each in heard] == [(run.uuid, "waiting")]
    bodies = sorted((verified(each) for each in receiver.got), key=lambda body: body["timestamp"])
    assert [body["type"] for body in bodies] == ["run.waiting", "run.completed"]
    assert len({received.headers["webhook-id"] for received in receiver.got}) == 2


async def test_notifications_that_break_repeat_no_webhook(anna, settings, monkeypatch):
    settings.STREAMS = {**settings.STREAMS, "push": {"private_key": "none", "subject": ""}}
    broken = [True]

    async def breaking(*asked):
        if broken:
            raise RuntimeError("not today")
        return []

    monkeypatch.setattr(web_push, "subscriptions", breaking)
    await sync_to_async(ended)(await (await streams.astart(anna)).aask("Hello"))
    async with told(settings) as receiver:
        both = Delivery.objects.filter(done__contains=["receivers", "webhook:crm"])
        await until(lambda: both.aexists())
        broken.clear()
        await due_now()
        await until(nothing_is_left_to_tell)

    assert len(receiver.got) == 1
