"""The messages that a model is sent are those that the page shows."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from streams.conversation_snapshot import snapshot
from streams.providers.base import (
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Code,
    Finished,
    Kind,
    ProviderError,
    Turn,
)
from streams.worker.conversation_history import alternating
from tests.worker.in_process_worker import post, shown, status, working

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


def block(text, kind="text"):
    return [{"index": 0, "kind": kind, "text": text}] if text else []


@pytest.mark.parametrize(
    ("exchanges", "told"),
    [
        ([("One", "first"), ("Two", "")], ["One", "first", "Two"]),
        ([("One", ""), ("Two", "")], ["One\n\nTwo"]),
        ([("One", "\n\n"), ("Two", " \n"), ("Three", "")], ["One\n\nTwo\n\nThree"]),
        ([("One", "first"), ("Two", ""), ("Three", "")], ["One", "first", "Two\n\nThree"]),
    ],
)
def test_roles_alternate_and_no_turn_is_blank(exchanges, told):
    turns = alternating([(block(prompt), block(answer)) for prompt, answer in exchanges])
    assert [turn.text for turn in turns] == told
    assert [turn.role for turn in turns] == (["user", "assistant"] * 9)[: len(turns)]
    assert turns[-1].role == "user"


async def test_prompts_without_an_answer_are_told_with_the_next(model, conversation, laptop):
    """As after a failure, a stop before the first word, or an answer of thoughts alone."""
    failed = await post(conversation, laptop, "One")
    async with working():
        model.fail(ProviderError(Code.BAD_REQUEST))
        await status(failed, "failed")
        thought = await post(conversation, laptop, "Two")
        model.tell(BlockStarted(0, Kind.REASONING)).tell(BlockDelta(0, "Hm.")).finish()
        await status(thought, "failed")
        third = await post(conversation, laptop, "Three")
        model.say("third").finish()
        await status(third, "completed")
    assert model.prompts[-1].turns == [Turn.of("user", "One\n\nTwo\n\nThree")]


@pytest.mark.parametrize("how", [Finished("refusal"), ProviderError(Code.CONTENT_FILTER)])
async def test_what_was_declined_is_not_told_again(model, conversation, laptop, how):
    """The model would decline whatever comes after it."""
    declined = await post(conversation, laptop, "One")
    async with working():
        model.say("Sure, ")
        model.fail(how) if isinstance(how, ProviderError) else model.tell(BlockEnded(0)).tell(how)
        await status(declined, "completed", "failed")
        second = await post(conversation, laptop, "Two")
        model.say("second").finish()
        await status(second, "completed")
    assert model.prompts[-1].turns == [Turn.of("user", "Two")]
