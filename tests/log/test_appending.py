"""The log through Django's connection: numbers, rollup, and what prompts leave in it."""

from __future__ import annotations

import pytest
from django.db import transaction

from streams import log
from streams.exceptions import Busy, KeyReused
from streams.log import transcript
from streams.models import Conversation, Event

pytestmark = pytest.mark.django_db


def numbers(conversation):
    rows = Event.objects.filter(conversation_id=conversation.pk).order_by("seq")
    return list(rows.values_list("seq", "type"))


def test_a_prompt_is_a_message_and_a_queued_run_numbered_from_one(conversation, laptop):
    message, run, created = conversation.post("Hello", laptop)
    assert created
    assert numbers(conversation) == [(1, "message.created"), (2, "run.queued")]
    assert (message.seq, run.answer.seq) == (1, 2)
    created_event = log.rows_after(conversation.pk)[0]
    assert created_event.data["device"] == {"id": str(laptop.uuid), "name": "Laptop"}


def test_the_same_client_key_gives_the_same_message(conversation, laptop):
    first, run, _ = conversation.post("Hello", laptop, client_key="k1")
    again, same_run, created = conversation.post("Hello", laptop, client_key="k1")
    assert (again, same_run, created) == (first, run, False)
    with pytest.raises(KeyReused):
        conversation.post("Other", laptop, client_key="k1")


def test_a_rejecting_conversation_is_busy_while_a_run_is_open(conversation, laptop):
    conversation.change(laptop, on_busy=Conversation.OnBusy.REJECT)
    conversation.refresh_from_db()
    conversation.post("One", laptop)
    with pytest.raises(Busy):
        conversation.post("Two", laptop)


def test_consecutive_deltas_read_as_one_that_names_where_it_begins(conversation, laptop):
    _, run, _ = conversation.post("Hello", laptop)
    events = [run.event("block.started", index=0, kind="text")]
    events += [run.event("block.delta", index=0, text=str(n)) for n in range(5)]
    events += [log.NewEvent("conversation.updated", {"title": "T"})]
    events += [run.event("block.delta", index=0, text="end")]
    with transaction.atomic():
        Conversation.lock(conversation.pk).append(*events)
    rows = log.rows_after(conversation.pk, after=2)
    assert [(r.seq, r.type) for r in rows] == [
        (3, "block.started"),
        (8, "block.delta"),
        (9, "conversation.updated"),
        (10, "block.delta"),
    ]
    assert rows[1].data == {"run": str(run.uuid), "index": 0, "from": 4, "text": "01234"}
    assert rows[3].data == {"run": str(run.uuid), "index": 0, "text": "end"}
    assert transcript.blocks_of(log.run_rows(conversation.pk, run.pk))[0]["text"] == "01234end"


def test_text_postgresql_refuses_is_replaced(conversation, laptop):
    message, _, _ = conversation.post("a\x00b\ud800c😀", laptop)
    message.refresh_from_db()
    assert message.text == "a\ufffdb\ufffdc😀"
    assert log.rows_after(conversation.pk)[0].data["text"] == message.text
    assert log.dumps({"t": "x\x00\ud800"}) == '{"t":"x\ufffd\ufffd"}'


def test_cancelling_a_queued_run_takes_it_back(conversation, laptop, phone):
    _, run, _ = conversation.post("Hello", laptop)
    assert run.cancel(phone).status == "cancelled"
    run.cancel(phone)
    assert [type for _, type in numbers(conversation)].count("run.cancelled") == 1
    assert transcript.fold(log.rows_after(conversation.pk)).messages == []
