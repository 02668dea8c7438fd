"""The event reference names every event and field that is written, and no other."""

from __future__ import annotations

import ast
from io import BytesIO

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from streams import log
from streams.models import Conversation, Event, branching
from streams.models.attachment import upload
from streams.models.branching import Imported
from streams.postgres.connections import connect
from streams.providers.base import (
    BlockDelta,
    BlockEnded,
    BlockStarted,
    Code,
    Finished,
    Kind,
    ProviderError,
)
from streams.providers.stop_reason_words import ENDINGS
from tests.worker.in_process_worker import is_status, post, shown, status, until, working

from .pages import fields, sections, tables

PAGE = "reference/events.md"
IN_LOG = set(Event.Type.values)


def test_the_types_in_the_log_are_those_on_the_page():
    assert {title for title in sections(PAGE) if "." in title} == IN_LOG


def test_the_codes_of_failures_are_those_on_the_page():
    assert listed("run.failed", "code") == {str(code) for code in Code}


def test_the_ends_of_answers_are_those_on_the_page():
    assert listed("run.completed", "stop reason") == set(ENDINGS)


def listed(section: str, head: str) -> set[str]:
    """The first column of one table of a section."""
    (rows,) = (rows for found, rows in tables(sections(PAGE)[section]) if found == head)
    return {row[0].strip("| ") for row in rows}


def test_the_frames_beside_the_log_are_those_on_the_page():
    sent: dict[str, set[str]] = {}
    for path in (settings.BASE_DIR / "streams").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("unnumbered"):
                type = ast.literal_eval(node.args[0])
                sent.setdefault(type, set()).update(word.arg for word in node.keywords)

    said = {title: fields(text) for title, text in sections(PAGE).items() if title not in IN_LOG}

    assert sent == said


async def tool_call(prompt):
    yield BlockStarted(0, Kind.TOOL_CALL, name="look_up", call_id="call-1")
    yield BlockDelta(0, "{}")
    yield BlockEnded(0)
    yield Finished("tool_call", {"output_tokens": 1})


@pytest.mark.django_db(transaction=True)
async def test_the_fields_in_the_log_are_those_on_the_page(model, conversation, laptop, phone):
    """All that writes events, once each."""
    first = await handed_back(model, conversation, laptop)
    await interrupted_failed_and_tried_again(model, conversation, phone, first)
    await mended(conversation, first)
    await sync_to_async(steered_and_decided)(conversation, laptop)
    await sync_to_async(said_elsewhere)(conversation)

    said = {title: fields(text) for title, text in sections(PAGE).items() if title in IN_LOG}

    assert await sync_to_async(fields_written)(conversation) == said


async def handed_back(model, conversation, laptop):
    _, run, _ = await sync_to_async(conversation.post)("One", laptop, "key")
    async with working(drain=0.0):
        model.say("Once ", "upon")
        await shown(run, "Once upon")
    return run


async def interrupted_failed_and_tried_again(model, conversation, device, first):
    _, waiting, _ = await sync_to_async(conversation.post)("Two", device, parent="")
    changes = {"title": "A", "model": "scripted:echo", "system": "B", "on_busy": "interrupt"}
    async with working():
        await until(lambda: is_status(first, "running"))
        here = await sync_to_async(conversation.change)(
            device, **changes, archived_at=timezone.now(), pinned_at=timezone.now()
        )
        urgent = await post(here, device, "Three")
        await status(first, "cancelled")
        model.say("Now").finish()
        await status(urgent, "completed")
        model.fail(ProviderError(Code.AUTH))
        failed = await status(waiting, "failed")
        model.stream = tool_call
        await status(await sync_to_async(failed.retry)(device), "completed")


async def mended(conversation, run):
    """Returns the events that a repair writes where a restore has lost one."""
    lost = Event.objects.filter(run_id=run.pk, type="block.started")
    await lost.adelete()
    async with await connect("tests") as connection:
        assert await log.mend(connection, conversation.pk) == []


def steered_and_decided(conversation, device):
    """Writes the events of a run with tools by hand."""
    file = upload(device.user, "a.txt", BytesIO(b"words"))
    _, run, _ = conversation.post("Four", device, attachments=[file.uuid])
    here = Conversation.objects.get(pk=conversation.pk)
    of = {"call_id": "c"}
    here.append(
        run.event("step.started", step=1),
        run.event("step.ended", step=1, stop_reason="tool_call", usage={}, calls=[]),
        run.event("tool.waiting", **of, id="x", name="look", arguments="{}", client=False),
        run.event("tool.decided", **of, decision="approved", device=device.mark, note="Do"),
        run.event("run.waiting", attempt=1),
        run.event("run.started", attempt=2, step=2, from_block=1),
        run.event("tool.started", **of),
        run.event("tool.progress", **of, text="50 %"),
        run.event("tool.ended", **of, status="ok", result="Done", ms=3),
        run.event("run.steered", message="x", absorbed="x", at_block=1),
    )


def said_elsewhere(conversation):
    call = {"call_id": "c", "name": "look", "arguments": "{}", "result": "Done"}
    with transaction.atomic():
        here = Conversation.lock(conversation.pk)
        branching.take_in(here, [Imported("assistant", "", (), [call])])


def fields_written(conversation) -> dict[str, set[str]]:
    """As stored, and as they are read by one that is behind."""
    stored = Event.objects.filter(conversation_id=conversation.pk)
    written: dict[str, set[str]] = {}
    for type, data in stored.values_list("type", "data"):
        written.setdefault(type, set()).update(data)
    for row in log.rows_after(conversation.pk):
        written[row.type].update(row.data)
    return written
