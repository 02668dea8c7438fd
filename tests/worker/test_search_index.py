"""Messages find their way into the index of the search, and out of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from streams.log import file_references
from streams.models import Conversation, Message, Run, SearchEntry
from streams.postgres.connections import connect
from streams.search_lexemes import lexemes
from streams.user_model import key_text
from streams.views.search import find
from streams.worker import search_index
from tests.views.answers import begin, complete, say

from .in_process_worker import post, status, until, working

pytestmark = pytest.mark.django_db(transaction=True)


@sync_to_async
def found(user, words):
    return [it.role for it in find(user, words) if it.message]


async def test_an_answer_is_found_soon_after_its_end_with_its_prompt(
    model, conversation, laptop, anna, bert
):
    model.say("A lighthouse ", "stands there").finish()
    async with working():
        run = await post(conversation, laptop, "What stands there?")
        await status(run, "completed")

        async def both():
            return await found(anna, "stands") == ["assistant", "user"]

        await until(both)
    assert await found(anna, "LIGHTH") == ["assistant"]
    assert await found(bert, "stands") == []
    await Conversation.objects.filter(pk=conversation.pk).adelete()
    assert not await SearchEntry.objects.aexists()


async def test_what_was_just_said_is_found_before_anything_is_kept(
    conversation, laptop, anna, bert
):
    run = await post(conversation, laptop, "Where is the Lighthouse?")
    assert await found(anna, "lightho") == ["user"]
    assert await found(anna, "lighthouse where nowhere") == []
    assert await found(bert, "lightho") == []
    await sync_to_async(begin)(run)
    await sync_to_async(say)(run, "A lighthouse stands at sea")
    assert await found(anna, "lightho") == ["user"]
    await sync_to_async(complete)(run)
    assert await found(anna, "lightho") == ["assistant", "user"]


async def test_a_prompt_is_kept_before_its_answer_ends(conversation, laptop):
    await post(conversation, laptop, "What came before")
    async with await connect("search") as asking:
        look = search_index.Look(search_index.NEAR)
        await look.step(asking)
        look = search_index.Look(search_index.NEAR, seen=look.seen)
        run = await post(conversation, laptop, "Where is the lighthouse?")
        assert await look.step(asking)
    assert await SearchEntry.objects.filter(message_id=run.prompt_id).aexists()


async def test_what_was_there_before_is_added_from_the_newest_on(
    other_half, conversation, laptop, anna
):
    @sync_to_async
    def fill():
        for n in range(120):
            blocks = file_references.said(f"old {n}")
            args = {"conversation": conversation, "seq": 2 * n + 1, "blocks": blocks}
            prompt = Message.objects.create(role="user", **args)
            answer = Message.objects.create(role="assistant", **args | {"seq": 2 * n + 2})
            Run.objects.create(
                conversation=conversation, prompt=prompt, answer=answer, model="scripted:demo",
                status="completed", attempt=1, ended_at="2020-01-01T00:00Z",
                folded_at="2020-01-01T00:00Z",
            )  # fmt: skip

    await fill()
    async with working():

        async def all_of_it():
            return await SearchEntry.objects.acount() == 240

        await until(all_of_it)
    assert await found(anna, "old 7") != []


def test_a_prompt_that_was_taken_back_is_not_found(conversation, laptop, anna):
    run = conversation.post("Never mind", laptop)[1]
    with connection.cursor() as cursor:
        words = search_index.array(lexemes(key_text(anna.pk), "Never mind"))
        cursor.execute(search_index.KEEP, {"ids": [run.prompt_id], "words": [words]})
    assert [it.role for it in find(anna, "never")] == ["user"]
    run.cancel(laptop)
    assert find(anna, "never") == []


@sync_to_async
def newest():
    return Message.objects.order_by("pk").values_list("pk", flat=True).last()


async def test_a_step_goes_on_where_the_one_before_it_ended(conversation):
    @sync_to_async
    def ended(minute):
        args = {"conversation": conversation, "blocks": file_references.said(f"said {minute}")}
        prompt = Message.objects.create(role="user", seq=2 * minute + 1, **args)
        answer = Message.objects.create(role="assistant", seq=2 * minute + 2, **args)
        of = {"conversation": conversation, "prompt": prompt, "answer": answer}
        Run.objects.create(**of, model="scripted:demo", status="completed", ended_at=times[minute])

    now = timezone.now()
    times = [now - timedelta(minutes=60 - minute) for minute in range(30)]
    for minute in range(30):
        await ended(minute)
    look = search_index.Look(search_index.FAR, seen=await newest())
    async with await connect("search") as asking:
        assert await look.step(asking)
        assert look.since == times[24]
        await SearchEntry.objects.all().adelete()
        assert await look.step(asking)
        assert look.since == times[29]
    assert await SearchEntry.objects.acount() == 12  # from the 25th on: that may have a twin
