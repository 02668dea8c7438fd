"""Sending a long history does not delay other answers of the worker."""

from __future__ import annotations

import json
import time

import pytest
from asgiref.sync import sync_to_async

from streams.log import file_references
from streams.models import Conversation, Message, Run
from streams.worker import process
from tests.loop_stalls import gauged
from tests.providers.http_adapters import DIALECTS
from tests.providers.vendor import Vendor
from tests.worker.in_process_worker import post, status, working

pytestmark = pytest.mark.django_db(transaction=True)

EXCHANGES = 500
WORDS = "What was said before. " * 20


@sync_to_async
def tell(conversation, exchanges):
    """Earlier prompts and their answers, as rows alone."""

    def message(n, role):
        blocks = file_references.said(f"{n} {WORDS}")
        return Message(conversation=conversation, seq=n, role=role, blocks=blocks)

    prompts = [message(2 * n + 1, "user") for n in range(exchanges)]
    answers = [message(2 * n + 2, "assistant") for n in range(exchanges)]
    Message.objects.bulk_create([*prompts, *answers])
    Run.objects.bulk_create(
        Run(conversation=conversation, prompt=prompt, answer=answer, status="completed", attempt=1)
        for prompt, answer in zip(prompts, answers, strict=True)
    )
    Conversation.objects.filter(pk=conversation.pk).update(last_seq=2 * exchanges)


def seconds_to_dump(body):
    """Returns how long it takes to write the same request as JSON, which is inevitable: the least
    of three.
    """

    def once():
        began = time.thread_time()
        json.dumps(body)
        return time.thread_time() - began

    return min(once() for _ in range(3))


@pytest.mark.parametrize("dialect", DIALECTS[:3], ids=lambda dialect: dialect.name)
async def test_a_thousand_turns_do_not_stop_the_loop(
    dialect, conversation, laptop, monkeypatch, other_half
):
    await tell(conversation, EXCHANGES)
    async with Vendor() as vendor:
        vendor.says(dialect.whole)
        provider = dialect.provider(vendor.url)
        monkeypatch.setattr(process, "resolve", lambda name: (provider, "m"))
        async with working(concurrency=1):
            await status(await post(conversation, laptop), "completed")  # what is first done once
            with gauged(monkeypatch) as gauge:
                await status(await post(conversation, laptop), "completed")
        await provider.aclose()
        body = vendor.requests[-1].body
    assert len(body.get("messages") or body["input"]) == 2 * EXCHANGES + 3
    # The SDKs' own methods took 100 times as long; the vendor of this test reads it as well.
    assert gauge.longest < 15 * seconds_to_dump(body)
