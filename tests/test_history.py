"""What the model is told of a conversation is what its page shows."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from streams.providers.base import Prompt, Turn
from streams.providers.upstream import turns
from streams.snapshot import snapshot
from tests.working import post, shown, status, working

pytestmark = pytest.mark.django_db(transaction=True)


async def test_an_answer_whose_retry_was_taken_back_stays_in_the_context(
    model, conversation, laptop
):
    first = await post(conversation, laptop, "One")
    async with working():
        model.say("first").finish()
        await status(first, "completed")
        second = await post(conversation, laptop, "Two")
        model.say("sec")
        await shown(second, "sec")
        again = await sync_to_async(first.retry)(laptop)
        await sync_to_async(again.cancel)(laptop)
        model.finish()
        await status(second, "completed")
        third = await post(conversation, laptop, "Three")
        model.say("third").finish()
        await status(third, "completed")
    told = [turn.text for turn in model.prompts[-1].turns]
    page = await sync_to_async(lambda: snapshot(conversation.pk))()
    assert told == ["One", "first", "Two", "sec", "Three"]
    shown_there = [message.blocks[0]["text"] for message in page.transcript.messages]
    assert shown_there == [*told, "third"]


def test_an_answer_stopped_within_its_first_white_space_is_not_told():
    said = [Turn("user", "One"), Turn("assistant", "\n\n"), Turn("user", "Two")]
    assert turns(Prompt("m", said)) == [
        {"role": "user", "content": "One"},
        {"role": "user", "content": "Two"},
    ]
