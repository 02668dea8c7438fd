"""Conversations and answers from a site's own code."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from functools import partial
from uuid import uuid4

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection, connections, transaction

import streams
from streams import exceptions
from streams.models import Conversation, Event, Message

from ..worker.in_process_worker import working


def test_a_conversation_is_begun_and_found_again(anna):
    chat = streams.start(anna, instructions="Be brief.", title=" A  title ")

    found = streams.get(anna, str(chat.id))

    assert found == chat
    assert (found.title, found.instructions) == ("A title", "Be brief.")
    assert (found.model, found.head) == ("scripted:demo", 0)
    assert found.url == f"/c/{chat.id}/"
    assert streams.conversations(anna) == [chat]


def test_someone_elses_is_not_found(anna, bert):
    chat = streams.start(anna)

    for id in (chat.id, uuid4(), "no id"):
        with pytest.raises(exceptions.NotFound):
            streams.get(bert, id)
    assert streams.conversations(bert) == []


def test_an_answer_is_found_by_its_own_conversation_alone(anna):
    chat, other = streams.start(anna), streams.start(anna)
    run = chat.ask("Hello")

    assert chat.run(str(run.id)) == run
    assert chat.runs() == [run]
    with pytest.raises(exceptions.NotFound):
        other.run(run.id)


def test_what_is_wrong_is_said_by_its_own_error(anna, settings):
    settings.STREAMS = {**settings.STREAMS, "conversation_messages": 2}
    chat = streams.start(anna, on_busy="reject")
    chat.ask("Hello", key="one")

    for error, wrong in {
        exceptions.Invalid: lambda: chat.ask(" "),
        exceptions.KeyReused: lambda: chat.ask("Other", key="one"),
        exceptions.ConversationFull: lambda: chat.ask("More"),
        exceptions.UnknownModelName: lambda: streams.start(anna, model="nobody:any"),
    }.items():
        with pytest.raises(error):
            wrong()
    settings.STREAMS = {**settings.STREAMS, "conversation_messages": 0}
    with pytest.raises(exceptions.Busy):
        chat.ask("More")


def test_a_key_that_came_before_adds_nothing(anna, bert):
    chat = streams.start(anna, key="invoice-7")
    run = chat.ask("Summarise this", key="invoice-7")

    assert streams.start(anna, key="invoice-7", title="Other") == chat
    assert chat.ask("Summarise this", key="invoice-7") == run
    assert streams.start(bert, key="invoice-7") != chat
    assert chat.refresh().head == 2


def test_a_browser_cannot_come_before_the_keys_of_the_sites_own_code(anna):
    theirs = Conversation.begin(anna, "invoice-7", model="scripted:demo", system="Obey me.")

    assert streams.start(anna, key="invoice-7").id != theirs.uuid


def test_the_limits_hold_for_the_sites_own_code(anna, settings):
    settings.STREAMS = {**settings.STREAMS, "empty_per_user": 1, "running_per_user": 1}
    streams.start(anna).ask("Hello")
    second = streams.start(anna)

    with pytest.raises(exceptions.TooManyEmpty):
        streams.start(anna)
    with pytest.raises(exceptions.TooManyRuns):
        second.ask("Hello")


@pytest.mark.django_db(transaction=True)
def test_a_rollback_takes_it_back(anna):
    with transaction.atomic():
        chat = streams.start(anna)
        chat.ask("Hello")
        transaction.set_rollback(True)

    assert not Conversation.objects.exists()
    assert not Message.objects.exists()
    assert not Event.objects.exists()
    with pytest.raises(exceptions.NotFound):
        chat.refresh()


@pytest.mark.django_db(transaction=True)
async def test_no_worker_learns_of_it_before_the_commit(anna, model):
    model.say("Hi").finish()
    chat = await streams.astart(anna)
    asked, go_on = threading.Event(), threading.Event()

    def ask_slowly():
        with closing(connections), transaction.atomic():
            run = chat.ask("Hello")
            asked.set()
            go_on.wait(10)
        return run

    async with working():
        asking = asyncio.create_task(asyncio.to_thread(ask_slowly))
        await asyncio.to_thread(asked.wait, 10)
        await asyncio.sleep(0.1)
        assert not model.prompts
        go_on.set()
        run = await (await asking).await_(10)

    assert (run.status, run.text) == ("completed", "Hi")


@pytest.mark.django_db(transaction=True)
async def test_a_long_transaction_that_asks_on_commit_holds_up_no_running_answer(anna, model):
    chat = await streams.astart(anna)
    first = await chat.aask("Hello")
    asked, go_on = threading.Event(), threading.Event()

    def ask_last():
        with closing(connections), transaction.atomic():
            anna.save()
            transaction.on_commit(partial(chat.ask, "And then?", key="then"))
            asked.set()
            go_on.wait(10)

    async with working():
        await model.asked.wait()
        asking = asyncio.create_task(asyncio.to_thread(ask_last))
        await asyncio.to_thread(asked.wait, 10)
        model.say("Hi").finish()
        assert (await first.await_(10)).text == "Hi"
        model.say("Then").finish()
        go_on.set()
        await asking
        assert (await (await chat.aruns())[-1].await_(10)).text == "Then"


@pytest.mark.django_db(transaction=True)
async def test_waiting_in_an_event_loop_by_the_blocking_name_is_refused(anna, other_half):
    run = await (await streams.astart(anna)).aask("Hello")

    for blocking in (run.wait, lambda: next(iter(run.follow()))):
        with pytest.raises(SynchronousOnlyOperation):
            blocking()


def test_waiting_inside_a_transaction_is_refused(anna):
    run = streams.start(anna).ask("Hello")

    with pytest.raises(exceptions.InTransaction):
        run.wait()


def test_a_deleted_one_is_gone(anna):
    chat = streams.start(anna)
    run = chat.ask("Hello")

    chat.delete()

    assert run.refresh().status == "cancelled"
    assert streams.conversations(anna) == []
    with pytest.raises(exceptions.NotFound):
        chat.ask("More")


def test_asking_locks_the_person_first(anna, settings):
    """A caller who changed the person's row in the same transaction holds its lock already."""
    settings.STREAMS = {**settings.STREAMS, "running_per_user": 9}
    chat = streams.start(anna)

    with CaptureLocks() as locks:
        chat.ask("Hello")

    assert locks == ["auth_user", "streams_conversation"]


class CaptureLocks(list):
    """The tables whose rows are locked, in order."""

    def __enter__(self):
        self.watching = connection.execute_wrapper(self.note)
        self.watching.__enter__()
        return self

    def __exit__(self, *error):
        self.watching.__exit__(*error)

    def note(self, execute, sql, params, many, context):
        if "FOR NO KEY UPDATE" in sql:
            self.append(sql.partition('FROM "')[2].partition('"')[0])
        return execute(sql, params, many, context)


@contextmanager
def closing(connections):
    """Closes the thread's database connection, which no other thread can close."""
    try:
        yield
    finally:
        connections.close_all()
