"""Time limits for a model that sends nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from streams.providers.base import Alive
from streams.worker.model_timeout import SilenceDeadline
from tests.worker.in_process_worker import assert_whole, post, status, until, working

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_model_that_thinks_and_says_so_is_waited_for(model, conversation, laptop):
    run = await post(conversation, laptop)
    async with working(first_token_timeout=0.3, next_token_timeout=0.3):
        await until(lambda: asyncio.sleep(0, model.asked.is_set()))
        for _ in range(20):
            model.tell(Alive())
            await asyncio.sleep(0.05)
        model.say("Forty-two").finish()
        done = await status(run, "completed")
    assert done.answer.text == "Forty-two"
    assert len(model.prompts) == 1
    await assert_whole(run)


async def test_but_not_for_ever():
    clock = asyncio.get_running_loop().time
    began = clock()
    with suppress(TimeoutError):
        async with asyncio.timeout(Waits.first_token_timeout) as timer:
            patience = SilenceDeadline(timer, Waits())
            while clock() < began + 5:
                await asyncio.sleep(0.02)
                patience.alive()
    assert Waits.thinking_timeout <= clock() - began < 3


class Waits:
    first_token_timeout, next_token_timeout, thinking_timeout = 0.2, 0.1, 0.4


async def test_an_answer_that_never_ends_is_ended(model, conversation, laptop):
    run = await post(conversation, laptop)
    model.say(*["twelve chars"] * 20)
    async with working(answer_characters=100):
        done = await status(run, "completed")
    assert done.stop_reason == "max_tokens"
    assert done.answer.text == ("twelve chars" * 20)[:100]
    assert model.closed == 1
    # Nobody has said what it took: its prompt is "Hello".
    assert done.usage == {"input_tokens": 2, "output_tokens": 25, "estimated": True}
    await assert_whole(run)
