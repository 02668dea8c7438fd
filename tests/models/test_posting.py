"""A first prompt stored with its conversation equals a conversation and then a prompt in it."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections, transaction

from streams.exceptions import StreamsError
from streams.models import Conversation, Event, new_conversation
from streams.models.conversation import named
from tests.factories import DeviceFactory, UserFactory

pytestmark = pytest.mark.django_db


def at_once(owner, device, content, key, **values):
    return new_conversation.begin_with(owner, content, device, key, **values)


@transaction.atomic
def one_after_the_other(owner, device, content, key, **values):
    here = Conversation.begin(owner, key, **values)
    message, run, new = here.post(content, device, key)
    here.refresh_from_db()
    return here, message, run, new


# How many sends of (content, key), and what comes between them.
SENDS = {
    "one": [("Hello", None)],
    "two without a key": [("Hello", None), ("Hello", None)],
    "the same again": [("Hello", "k"), ("Hello", "k")],
    "another under the same key": [("Hello", "k"), ("Bye", "k")],
    "again after it was deleted": [("Hello", "k"), None, ("Hello", "k"), ("Hello", "k")],
    "nothing": [(" \n", "k")],
    "too long": [("x" * 21, None)],
    "more than may run": [("One", "a"), ("Two", "b"), ("Three", "c"), ("One", "a")],
    "what PostgreSQL refuses": [("a\0b \ud800 c", "k")],
}


def told(begin, sends):
    """Returns the answer to each send and all rows in the end; without names, numbers and times."""
    owner = UserFactory()
    device, answers = DeviceFactory(user=owner), []
    for send in sends:
        if send is None:
            Conversation.objects.get(owner=owner).delete_softly(device)
            continue
        try:
            here, message, run, new = begin(owner, device, *send, model="scripted:demo", title="T")
        except StreamsError as error:
            answers.append((type(error), error.message, error.field, error.status))
        else:
            same = message.conversation_id == run.conversation_id == here.pk
            ours = run.prompt_id == message.pk and run.answer.seq == message.seq + 1
            answers.append((new, here.last_seq, message.seq, run.status, message.text, same, ours))
    return answers, [rows(each) for each in Conversation.objects.filter(owner=owner).order_by("pk")]


def rows(conversation):
    names = {conversation.uuid: "c"}
    for n, message in enumerate(conversation.messages.all()):
        names[message.uuid] = f"m{n}"
    for n, run in enumerate(conversation.runs.order_by("pk")):
        names[run.uuid] = f"r{n}"
    events = [
        (event.seq, event.run_id and "r", event.type, renamed(event.data, names, conversation))
        for event in Event.objects.filter(conversation_id=conversation.pk).order_by("seq")
    ]
    messages = [plain(m) | {"ours": m.device_id is not None} for m in conversation.messages.all()]
    runs = [plain(run) for run in conversation.runs.order_by("pk")]
    return plain(conversation), messages, runs, events


# Of one life alone: keys, and the times at which the two were stored.
OWN = {"id", "uuid", "owner", "conversation", "prompt", "answer", "device", "cancelled_by"}
TIMES = {"created_at", "updated_at", "queued_at", "deleted_at", "ended_at", "cancel_requested_at"}


def plain(row):
    """Returns a value as PostgreSQL stores it."""
    row.refresh_from_db()
    names = {field.name for field in row._meta.concrete_fields} - OWN
    return {
        name: getattr(row, name) is None if name in TIMES else getattr(row, name) for name in names
    }


def renamed(data, names, conversation):
    known = {str(uuid): name for uuid, name in names.items()}
    return {
        key: known.get(value, value) if isinstance(value, str) else key == "device" or value
        for key, value in data.items()
    }


@pytest.mark.parametrize("sends", SENDS.values(), ids=SENDS)
def test_at_once_is_as_one_after_the_other(sends, settings):
    settings.STREAMS = settings.STREAMS | {"prompt_characters": 20, "running_per_user": 2}
    assert told(at_once, sends) == told(one_after_the_other, sends)


def test_a_new_chat_takes_one_statement_behind_the_look_at_its_budget(
    anna, laptop, django_assert_num_queries
):
    with django_assert_num_queries(4):  # two are the savepoint of this test's transaction
        new_conversation.begin_with(anna, "Hello", laptop, model="scripted:demo")


@pytest.mark.django_db(transaction=True)
def test_two_sends_of_one_key_at_the_same_moment_begin_one(anna, laptop, settings):
    settings.STREAMS = settings.STREAMS | {"running_per_user": 1}
    starting, answers = threading.Barrier(2), []

    def send():
        starting.wait()
        here, _, _, new = new_conversation.begin_with(
            anna, "Hello", laptop, "k", model="scripted:demo"
        )
        answers.append((here.uuid, new))
        connections.close_all()

    both = [threading.Thread(target=send) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(new for _, new in answers) == [False, True]
    assert len({uuid for uuid, _ in answers}) == Conversation.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM streams_event")
        assert cursor.fetchone() == (2,)


def test_a_key_never_leads_to_somebody_elses(anna, bert):
    """People's keys may be any text: `1` with the key `2 x` must not be `1 2` with the key `x`."""
    name = named(anna, "k")
    theirs = Conversation.objects.create(uuid=name, owner=bert, model="scripted:demo")
    begun = Conversation.begin(anna, "k", model="scripted:demo")
    asked, *_ = at_once(anna, None, "Hello", "k", model="scripted:demo")
    assert (begun.owner, asked) == (anna, begun)
    assert begun != theirs
    assert not theirs.messages.exists()
