"""What has ended is compacted and what was deleted is purged, and no reader can tell."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta
from io import StringIO

import httpx_sse
import orjson
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from streams import log
from streams.conf import conf
from streams.conversation_snapshot import snapshot
from streams.log import Append, RunChange
from streams.log.transcript import Row, Transcript, fold
from streams.models import Conversation, Event, Run, Share
from streams.models import Worker as WorkerRow
from streams.postgres.connections import connect
from streams.realtime import buffer_registry
from streams.realtime.hub import Hub
from streams.worker import purging, retention
from tests.factories import ConversationFactory, WorkerFactory
from tests.views.answers import begin, complete, fail, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest_asyncio.fixture(autouse=True)
async def _close():
    yield
    await sync_to_async(connections.close_all)()


@pytest_asyncio.fixture
async def raw(transactional_db):
    async with await connect("test") as connection:
        yield connection


def unwatched(**settings):
    """These devices never signed in: looking again whether they may read would end them, also
    in the first moment, when nothing can be heard yet."""
    return dataclasses.replace(conf(), stream_rescan=600, stream_rescan_unsignalled=600, **settings)


@sync_to_async
def eventful(conversation, device):
    """A log with everything compaction could stumble over; its final transcript."""
    _, run, _ = conversation.post("Hello", device)
    begin(run)
    say(run, "lost ", "with the ", "worker", end=False)
    begin(run, attempt=2)
    say(run, "Let me ", "think", kind="reasoning")
    say(run, "One ", index=1, end=False)
    say(run, '{"a"', index=2, kind="tool_call", name="f", call_id="c", end=False)
    for n in range(3):
        say(run, f"w{n} ", index=1, start=False, end=False)
        say(run, f",{n}", index=2, start=False, end=False)
    conversation.change(device, title="In the middle")
    _, second, _ = conversation.post("And then?", device)
    say(run, *"interleaved", index=1, start=False)
    complete(run)
    begin(second)
    say(second, "only one delta")
    fail(second)
    return fold(rows_of(conversation))


def rows_of(conversation, after=0):
    """The log as it is stored, nothing rolled up."""
    stored = Event.objects.filter(conversation_id=conversation.pk, seq__gt=after).order_by("seq")
    return [Row(row.seq, row.type, row.data) for row in stored]


def applied(transcript, rows):
    for row in rows:
        transcript.apply(Row(row.seq, row.type, orjson.loads(row.data)))
    return transcript


async def caught_up(raw, conversation, transcript, limit):
    """The transcript after reading on in pages of `limit` stored rows."""
    more = True
    while more:
        rows, more = await log.catch_up(raw, conversation.pk, transcript.head, limit)
        applied(transcript, rows)
    return transcript


async def compacted(raw):
    return await retention.compact_ended(raw, 0, 100)


async def test_a_block_becomes_one_row_at_its_last_number_and_lifecycle_rows_stay(
    raw, conversation, laptop
):
    await eventful(conversation, laptop)
    before = await sync_to_async(rows_of)(conversation)
    done = await compacted(raw)
    after = await sync_to_async(rows_of)(conversation)
    assert done == (2, len(before) - len(after))
    assert [r for r in after if r.type != "block.delta"] == [
        r for r in before if r.type != "block.delta"
    ]
    texts = [row.data for row in after if row.type == "block.delta"]
    assert [data["text"] for data in texts] == [
        "lost with the worker", "Let me think", '{"a",0,1,2', "One w0 w1 w2 interleaved",
        "only one delta",
    ]  # fmt: skip
    assert texts[0]["from"] == 5
    assert "from" not in texts[-1]
    assert await compacted(raw) == (0, 0)


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
async def test_a_cursor_at_every_position_of_a_compacted_log_ends_in_the_same_page(
    raw, conversation, laptop, limit
):
    final = await eventful(conversation, laptop)
    stored = await sync_to_async(rows_of)(conversation)
    await compacted(raw)
    for cursor in range(final.head + 1):
        seen = fold(row for row in stored if row.seq <= cursor)
        assert await caught_up(raw, conversation, seen, limit) == final, cursor
        new = (await log.read_new(raw, {conversation.pk: cursor}, 1000)).get(conversation.pk, [])
        seen = fold(row for row in stored if row.seq <= cursor)
        assert applied(seen, new) == final, cursor
    assert (await sync_to_async(snapshot)(conversation.pk)).transcript == final


@pytest.mark.parametrize("limit", [1, 3, 10])
async def test_compaction_between_any_two_pages_of_a_reader_changes_nothing_for_it(
    raw, anna, laptop, limit
):
    pages = 0
    while True:
        conversation = await sync_to_async(ConversationFactory)(owner=anna)
        final = await eventful(conversation, laptop)
        seen, more = Transcript(), True
        for _ in range(pages):
            rows, more = await log.catch_up(raw, conversation.pk, seen.head, limit)
            applied(seen, rows)
        await compacted(raw)
        assert await caught_up(raw, conversation, seen, limit) == final, pages
        if not more:
            break
        pages += 1
    assert pages > 1


@pytest.mark.parametrize("settings", [{}, {"catch_up_rows": 3}, {"tail_events": 4}])
async def test_a_stream_joined_at_every_position_of_a_compacted_log_shows_the_same_page(
    raw, conversation, laptop, settings
):
    final = await eventful(conversation, laptop)
    stored = await sync_to_async(rows_of)(conversation)
    await compacted(raw)
    hub = Hub(unwatched(**settings))
    await hub.start()
    try:
        for cursor in range(final.head + 1):
            seen = fold(row for row in stored if row.seq <= cursor)
            assert await streamed(hub, conversation, seen, final.head, laptop) == final, cursor
    finally:
        await hub.close()


async def test_a_stream_in_the_middle_of_a_log_that_is_compacted_under_it_loses_nothing(
    raw, conversation, laptop
):
    final = await eventful(conversation, laptop)
    hub = Hub(unwatched(catch_up_rows=3))
    await hub.start()
    stream = hub.join(conversation.pk, laptop, head=final.head, cursor=0)
    try:
        seen, reading = Transcript(), stream.frames()
        for _ in range(4):
            applied_frames(seen, await anext(reading))
        assert 0 < seen.head < final.head
        await compacted(raw)
        async for data in reading:
            if applied_frames(seen, data):
                break
    finally:
        hub.leave(stream)
        await hub.close()
    assert seen == final


async def streamed(hub, conversation, transcript, head, device):
    stream = hub.join(conversation.pk, device, head=head, cursor=transcript.head)
    try:
        async with asyncio.timeout(20):
            async for data in stream.frames():
                if applied_frames(transcript, data):
                    return transcript
    finally:
        hub.leave(stream)


def applied_frames(transcript, data):
    """Apply what an EventSource makes of the bytes; whether it is live now."""
    decoder, live = httpx_sse._decoders.SSEDecoder(), False
    for line in data.decode().split("\n"):
        event = decoder.decode(line)
        if event and event.event == "sync":
            live = True
        elif event and event.data:
            transcript.apply(Row(int(event.id), event.event, orjson.loads(event.data)))
    return live


async def test_what_came_while_a_stream_was_catching_up_is_not_skipped(
    raw, conversation, laptop, monkeypatch
):
    """The shared tail may move on, past what a slow read has seen."""
    monkeypatch.setattr(buffer_registry, "CLOSE", 0)  # so that it reads alone
    hub = Hub(unwatched(tail_events=4))
    await sync_to_async(conversation.post)("Hello", laptop)
    stream = hub.join(conversation.pk, laptop, head=2, cursor=0)
    slow, titles = asyncio.Event(), [log.NewEvent("conversation.updated", {"title": "x"})] * 12

    async def catch_up(conversation_id, after, most=None):
        read = await log.catch_up(raw, conversation_id, after, 100)
        if not slow.is_set():
            slow.set()
            await log.append(raw, [Append(conversation.pk, titles)])
            new = await log.read_new(raw, {conversation.pk: 2}, 100)
            stream.buffer.extend(new[conversation.pk])
        return read

    monkeypatch.setattr(hub, "catch_up", catch_up)
    got = b""
    async with asyncio.timeout(10):
        async for data in stream.frames():
            got += data
            if b"event: sync" in data:
                break
    assert got.count(b"id: ") == 14


async def test_an_open_run_and_a_fresh_one_are_left_as_they_are(raw, conversation, laptop):
    _, run, _ = await sync_to_async(conversation.post)("Hello", laptop)
    await sync_to_async(begin)(run)
    await sync_to_async(say)(run, "a", "b", end=False)
    assert await compacted(raw) == (0, 0)
    await sync_to_async(complete)(run)
    assert await retention.compact_ended(raw, 3600, 100) == (0, 0)
    assert await log.compactable(raw, 3600) == (0, 0)
    assert await log.compactable(raw, 0) == (1, 2)
    assert await compacted(raw) == (1, 1)


async def test_two_workers_compact_side_by_side_without_waiting(raw, conversation, laptop):
    await eventful(conversation, laptop)
    async with await connect("other") as other, other.transaction():
        assert (await retention.compact_ended(other, 0, 1)).runs == 1
        await raw.execute("SET lock_timeout = '2s'")
        assert (await compacted(raw)).runs == 1


@sync_to_async
def deleted(conversation, device, ago=31):
    conversation.delete_softly(device)
    then = timezone.now() - timedelta(seconds=ago)
    Conversation.objects.filter(pk=conversation.pk).update(deleted_at=then)


async def test_a_deleted_conversation_goes_whole_and_others_stay(raw, conversation, laptop):
    await eventful(conversation, laptop)
    other = await sync_to_async(ConversationFactory)(owner_id=laptop.user_id)
    await eventful(other, laptop)
    await deleted(conversation, laptop)
    await sync_to_async(laptop.sessions.create)(conversation=conversation)
    assert await purging.purge(raw, 30) == 1
    assert await sync_to_async(list)(
        Event.objects.values_list("conversation_id", flat=True).distinct()
    ) == [other.pk]
    assert await sync_to_async(list)(Conversation.objects.all()) == [other]
    assert await purging.purge(raw, 30) == 0


async def test_a_conversation_deleted_just_now_can_still_be_restored(raw, conversation, laptop):
    await deleted(conversation, laptop, ago=5)
    assert await purging.purge(raw, 30) == 0


async def test_a_deleted_conversation_waits_for_the_end_of_its_run(raw, conversation, laptop):
    _, run, _ = await sync_to_async(conversation.post)("Hello", laptop)
    await sync_to_async(begin)(run)
    await deleted(conversation, laptop)
    assert await purging.purge(raw, 30) == 0
    change = RunChange(run.pk, status="cancelled")
    await log.append(raw, [Append(conversation.pk, [run.event("run.cancelled")], change=change)])
    assert await purging.purge(raw, 30) == 1


async def test_a_writer_hears_that_its_conversation_has_been_purged(raw, conversation):
    event = log.NewEvent("conversation.updated", {"title": "x"})
    await sync_to_async(Conversation.objects.all().delete)()
    assert (await log.append(raw, [Append(conversation.pk, [event], token=1)]))[0].verdict == (
        "refused"
    )


async def test_workers_long_gone_are_forgotten_and_their_runs_are_not(raw, conversation, laptop):
    then = timezone.now() - timedelta(days=8)
    make = sync_to_async(WorkerFactory)
    gone, silent = await make(stopped_at=then), await make(beat_at=then)
    busy, fresh = await make(beat_at=then), await make()
    runs = []
    for owner, worker in enumerate((gone, busy)):
        place = conversation if owner == 0 else await sync_to_async(ConversationFactory)()
        _, run, _ = await sync_to_async(place.post)("Hello", laptop)
        status = "running" if worker is busy else "queued"
        await Run.objects.filter(pk=run.pk).aupdate(worker=worker, status=status)
        runs.append(run)
    await retention.forget(raw, 7 * 24 * 3600)
    left = {row.pk async for row in WorkerRow.objects.all()}
    assert left == {busy.pk, fresh.pk}, silent
    assert [run.worker_id async for run in Run.objects.order_by("pk")] == [None, busy.pk]


def test_the_command_says_what_it_would_do_and_then_does_it(conversation, laptop):
    asyncio.run(eventful(conversation, laptop))
    Run.objects.update(ended_at=timezone.now() - timedelta(hours=2))
    for arguments, said in (
        (["--dry-run", "--older-than", "1d"], "0 answers with 0 rows"),
        (["--dry-run"], "2 answers with 25 rows"),
        (["--older-than", "90m"], "20 rows compacted away, 0 deleted"),
        ([], "0 rows compacted away"),
    ):
        out = StringIO()
        call_command("pruneevents", *arguments, stdout=out)
        assert said in out.getvalue()
    for wrong in ("soon", "-1h", "nan", "1e99"):
        with pytest.raises(CommandError):
            call_command("pruneevents", f"--older-than={wrong}")


async def test_a_shared_conversation_goes_with_its_links(raw, conversation, laptop):
    await eventful(conversation, laptop)
    await sync_to_async(Share.make)(conversation, "t", [{"a": 1}])
    await deleted(conversation, laptop)
    assert await purging.purge(raw, 30) == 1
    assert not await Share.objects.aexists()
