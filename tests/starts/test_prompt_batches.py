"""Prompts that arrive together are stored together, and one that cannot be stored delays no
other.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction

from streams.models import Conversation, Event, Run
from streams.starts import prompt_batches, storing
from tests.processes import eventually
from tests.starts.sites import World, site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run():
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def groups(monkeypatch):
    """Returns how many prompts each statement was given."""
    sizes, store = [], storing.store

    async def noted(connection, drafts):
        sizes.append(len(drafts))
        return await store(connection, drafts)

    monkeypatch.setattr(prompt_batches, "store", noted)
    return sizes


@pytest.fixture
def locked():
    """Runs a statement in a transaction that stays open until it is told to end."""
    ends, threads = [], []

    def hold(statement, *values):
        begun, end = threading.Event(), threading.Event()

        def holding():
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, values)
                begun.set()
                end.wait(10)
            connections.close_all()

        ends.append(end)
        threads.append(threading.Thread(target=holding))
        threads[-1].start()
        assert begun.wait(10)
        return end.set

    yield hold
    for end in ends:
        end.set()
    for each in threads:
        each.join()


def is_whole(conversation):
    numbers = Event.objects.filter(conversation_id=conversation.pk).order_by("seq")
    return list(numbers.values_list("seq", flat=True)) == list(range(1, conversation.last_seq + 1))


def test_a_crowd_is_stored_by_few_statements(run, groups):
    people = [World() for _ in range(3)]

    async def crowd():
        async with site() as app:
            asks = [
                world.post(app, place, **({"client_key": "k"} if place is None and n < 2 else {}))
                for world in people
                for n in range(8)
                for place in (None, "queue")
            ]
            return await asyncio.gather(*asks), app._starts.answered

    answers, direct = run(crowd())
    # The same key twice: the second is Django's to answer, with what the first has begun.
    assert Counter(status for status, _ in answers) == {201: 45, 200: 3}
    assert direct >= 40
    assert len(groups) < 20
    assert Run.objects.count() == 45
    assert all(map(is_whole, Conversation.objects.all()))
    order = list(Run.objects.order_by("pk").values_list("answer__seq", "pk"))
    assert len(order) == 45


def test_together_they_do_not_pass_a_limit(run, settings):
    settings.STREAMS = settings.STREAMS | {"running_per_user": 3, "queued_per_user": 2}
    anna = World()

    async def crowd():
        async with site() as app:
            new = await asyncio.gather(*(anna.post(app) for _ in range(8)))
            more = [anna.post(app, "queue") for _ in range(2)]
            return new, await asyncio.gather(*more), app._starts.answered

    new, more, direct = run(crowd())
    assert Counter(status for status, _ in new) == {201: 3, 429: 5}
    assert [status for status, _ in more] == [429, 429]
    assert direct == 3
    assert Run.objects.count() == 3


def test_one_that_postgresql_refuses_fails_alone(run, groups):
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE streams_conversation ADD CONSTRAINT no_bad CHECK (title <> 'bad')"
        )
    anna = World()

    async def crowd():
        async with site() as app:
            titles = ["good", "bad", "good", "good"]
            asks = (anna.post(app, title=title) for title in titles)
            return await asyncio.gather(*asks), app._starts.answered

    try:
        answers, direct = run(crowd())
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE streams_conversation DROP CONSTRAINT no_bad")
    assert [status for status, _ in answers] == [201, 500, 201, 201]
    assert direct == 3
    assert Run.objects.count() == 3


def test_a_locked_conversation_waits_and_no_other(run, locked):
    anna = World()
    place = anna.places["queue"]

    async def both():
        async with site() as app:
            free = locked("SELECT FROM streams_conversation WHERE uuid = %s FOR UPDATE", place)
            waiting = asyncio.create_task(anna.post(app, "queue"))
            other, _ = await anna.post(app)
            assert not waiting.done()
            free()
            return other, (await waiting)[0]

    assert run(both()) == (201, 201)
    assert Run.objects.count() == 2


ENDED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'chatstream starts' AND wait_event_type = 'Lock'"
)


def ended():
    with connection.cursor() as cursor:
        cursor.execute(ENDED)
        return cursor.fetchall()


def test_what_may_be_stored_already_is_not_sent_again(run, locked):
    anna = World()

    async def lost():
        async with site() as app:
            assert (await anna.post(app))[0] == 201
            free = locked("LOCK TABLE streams_message")
            waiting = asyncio.create_task(anna.post(app))
            await sync_to_async(eventually, thread_sensitive=False)(in_a_thread(ended))
            status, said = await waiting
            free()
            return status, said["error"]["code"], (await anna.post(app))[0]

    assert run(lost()) == (503, "unavailable", 201)
    assert Run.objects.count() == 2


def in_a_thread(act):
    def acted():
        try:
            return act()
        finally:
            connections.close_all()

    return acted


@pytest.mark.parametrize(
    "tuned",
    [{"direct_prompts": False}, {"policy": "streams.policy.Policy"}, {"header_middleware": []}],
    ids=lambda tuned: next(iter(tuned)),
)
def test_a_site_with_rules_of_its_own_is_left_to_django(run, settings, tuned):
    assert prompt_batches.may_be_taken()
    settings.STREAMS = settings.STREAMS | tuned
    assert not prompt_batches.may_be_taken()

    async def one():
        async with site() as app:
            status, _ = await anna.post(app)
            return status, app._starts

    anna = World()
    assert run(one()) == (201, None)


def test_a_device_is_seen(run):
    anna = World()
    type(anna.device).objects.update(last_seen_at="2020-01-01T00:00:00Z")

    async def one():
        async with site() as app:
            await anna.post(app)
            return app._starts.answered

    assert run(one()) == 1
    anna.device.refresh_from_db()
    assert anna.device.last_seen_at.year > 2020
