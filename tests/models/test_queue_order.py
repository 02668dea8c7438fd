"""The order of queued answers on every page is the order in which workers claim them."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from streams.conversation_snapshot import snapshot
from streams.models import Run
from streams.postgres.connections import connect
from streams.worker import claim
from tests.factories import WorkerFactory
from tests.views.answers import complete

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def _close():
    yield
    await sync_to_async(connections.close_all)()


@sync_to_async
def asked(conversation, laptop):
    """Two that wait, two that each go first, and one that waits again."""
    for words, rule in (
        ("One", "queue"), ("Two", "queue"), ("Now", "interrupt"), ("No, now", "interrupt"),
        ("Later", "queue"),
    ):  # fmt: skip
        conversation.change(laptop, on_busy=rule).post(words, laptop)


@sync_to_async
def shown(conversation):
    """The words of the prompts in the order that a page gives for their answers."""
    transcript = snapshot(conversation.pk).transcript
    words = {message.id: message.blocks[0]["text"] for message in transcript.messages[::2]}
    return [words[run.prompt] for run in transcript.in_turn()]


@sync_to_async
def ended(run_id):
    run = Run.objects.select_related("prompt").get(pk=run_id)
    complete(run)
    return run.prompt.text


async def test_the_claim_takes_the_prompts_in_the_order_that_is_shown(conversation, laptop):
    await asked(conversation, laptop)
    said = await shown(conversation)
    assert said == ["No, now", "Now", "One", "Two", "Later"]
    worker = await sync_to_async(WorkerFactory)()
    taken = []
    async with await connect("worker") as connection:
        while claimed := await claim.claim(connection, worker.pk, 1):
            assert (await shown(conversation))[0] == said[len(taken)]
            taken.append(await ended(claimed[0].run_id))
    assert taken == said
