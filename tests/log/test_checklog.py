"""`manage.py checklog` finds faults in a log and repairs them, also while workers run."""

from __future__ import annotations

import asyncio
import re
from io import StringIO

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.management import call_command

from streams import log
from streams.conversation_snapshot import snapshot
from streams.log import transcript
from streams.models import Conversation, Event, Fault, Run
from streams.postgres.connections import connect
from streams.worker import retention
from tests.factories import ConversationFactory, WorkerFactory
from tests.views.answers import begin, complete, say
from tests.worker.in_process_worker import assert_whole, post, status, working

pytestmark = pytest.mark.django_db(transaction=True)


def checked(*arguments):
    """The command's exit code and what it said."""
    out = StringIO()
    try:
        call_command("checklog", *arguments, stdout=out, stderr=out)
    except SystemExit as left:
        return left.code, out.getvalue()
    return 0, out.getvalue()


@async_to_sync
async def compacted():
    async with await connect("test") as raw:
        return await retention.compact_ended(raw, 0, 10)


def answered(here, device):
    _, run, _ = here.post("Hello", device)
    begin(run)
    say(run, "lost ", "words", end=False)
    begin(run, attempt=2)
    say(run, "One ", "two ", end=False)
    say(run, "think", "ing", index=1, kind="reasoning")
    say(run, "three", start=False)
    complete(run)
    return run


@pytest.fixture
def here(conversation, laptop):
    """Two answers that have ended, one compacted; a third is running."""
    answered(conversation, laptop)
    assert compacted().rows
    answered(conversation, laptop)
    _, run, _ = conversation.post("Go on", laptop)
    begin(run)
    say(run, "so ", "far", end=False)
    Run.objects.filter(pk=run.pk).update(worker=WorkerFactory())
    Conversation.objects.filter(pk=conversation.pk).update(active_run_id=run.pk)
    return Conversation.objects.get(pk=conversation.pk)


def behind(here):
    Conversation.objects.filter(pk=here.pk).update(last_seq=here.last_seq - 4)


def missing(here):
    Event.objects.filter(conversation_id=here.pk, type="block.delta", data__text="One ").delete()


def missing_end(here):
    Event.objects.filter(conversation_id=here.pk, seq__gt=here.last_seq - 2).delete()


def without_end(here):
    Event.objects.filter(conversation_id=here.pk, type="run.completed").delete()


def still_open(here):
    last = here.runs.filter(status="completed").first()
    Run.objects.filter(pk=last.pk).update(status="queued", ended_at=None, usage={})
    last.answer.blocks = []
    last.answer.save()


def wrong_lease(here):
    ended = here.runs.filter(status="completed").first()
    Conversation.objects.filter(pk=here.pk).update(active_run_id=ended.pk)


def orphaned(here):
    Event.objects.create(pk=(here.pk + 1000, 1), type="message.created", data={})


def set_aside(here):
    Fault.objects.create(conversation=here, act="answer", error="Something")


FAULTS = {
    behind: r"counter stands at \d+, its log and messages at \d+",
    missing: r"the numbers (\d+) to \1 are missing",
    missing_end: r"the numbers \d+ to \d+ are missing",
    without_end: r"run \d+ has ended, and its log does not say so",
    still_open: r"run \d+ is open, and its log says that it has ended",
    wrong_lease: r"run \d+ is taken for the running one; that is run \d+",
    orphaned: r"1 events, and no conversation",
    set_aside: r"it was set aside",
}


@pytest.mark.parametrize("wrong", FAULTS, ids=lambda wrong: wrong.__name__)
def test_it_is_found_and_mended_and_the_conversation_goes_on(here, laptop, wrong):
    before = list(Event.objects.filter(conversation_id=here.pk).order_by("seq").values_list("seq"))
    assert checked() == (0, "0 faults.\n")
    wrong(here)
    left = list(Event.objects.filter(conversation_id=here.pk).values())
    code, said = checked()
    assert code == 1
    assert re.search(FAULTS[wrong], said)
    assert list(Event.objects.filter(conversation_id=here.pk).values()) == left, "only looked at"
    code, said = checked("--repair")
    assert code == 0, said
    assert checked() == (0, "0 faults.\n")
    rows = {row.seq: row for row in Event.objects.filter(conversation_id=here.pk)}
    assert all(rows[row["seq"]].data == row["data"] for row in left if row["seq"] in rows)
    told = goes_on(here, laptop, above=before[-1][0])
    if wrong is not missing:  # the answer keeps the word that the log has lost
        assert snapshot(here.pk).transcript == told


def goes_on(here, laptop, above):
    run = here.runs.get(status="running")
    complete(run)
    third = answered(here, laptop)
    assert third.answer.seq > above, "no number is given twice"
    assert checked() == (0, "0 faults.\n")
    compacted()
    assert checked() == (0, "0 faults.\n")
    return transcript.fold(log.rows_after(here.pk))


def test_one_that_cannot_be_read_hides_no_other(here, laptop):
    bad = ConversationFactory(owner=here.owner)
    bad.post("Hello", laptop)
    Event.objects.filter(conversation_id=bad.pk, seq=1).update(data={"from": "nowhere"})
    behind(here)
    code, said = checked("--repair")
    assert code == 1
    assert f"conversation {bad.pk}: it cannot be read" in said
    assert said.endswith("2 faults, 1 mended.\n")


@pytest.mark.usefixtures("other_half")
async def test_it_is_run_beside_workers_and_takes_nothing_for_a_fault(model, anna, laptop):
    many = await sync_to_async(ConversationFactory.create_batch)(6, owner=anna)
    runs = [await post(each, laptop) for each in many for _ in range(2)]
    for _ in runs:
        model.say(*"many words").finish()

    async def checking():
        async with await connect("test") as raw:
            for _ in range(60):
                found = [each async for _, each in log.walk(raw)]
                assert found == [[]]
                for each in many:
                    assert await log.mend(raw, each.pk) == []

    async with working(), working():
        await asyncio.gather(checking(), *(status(run, "completed") for run in runs))
    for run in runs:
        await assert_whole(run)
