"""A snapshot of a conversation up to its head, equal to folding its whole log.

Ended answers come from their messages. Open ones are folded from their own events, since their text
is nowhere else yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import JSONField
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext

from . import log
from .exceptions import NotFound
from .log.transcript import Transcript, resumed
from .log.transcript_types import Block, CallState, MessageState, Row, RunState
from .models import Conversation, Message, Run, ToolCall
from .postgres import clock
from .postgres.database import atomic, connection

DEVICE_THEN = RawSQL(log.DEVICE_THEN, [], output_field=JSONField())


@dataclass(slots=True)
class Snapshot:
    """`times` holds when each message was created, and `worked` how many seconds each run with
    steps has been at work, by their ids; events do not say.
    """

    conversation: Conversation
    transcript: Transcript
    times: dict[str, datetime]
    worked: dict[str, float] = field(default_factory=dict)


@atomic
def snapshot(conversation_id: int) -> Snapshot:
    """Takes a snapshot. Raises NotFound if the conversation was deleted a moment ago."""
    with one_moment(conversation_id):
        here = still_there(conversation_id)
        runs = list(clock.dated(here.runs.order_by("answer__seq")))
        messages = list(here.messages.annotate(device_then=DEVICE_THEN))
        calls = calls_by_run(runs)
        newest = {run.pk: newest_rows(run) for run in runs if run.status in Run.OPEN}
    names = {message.pk: str(message.uuid) for message in messages}
    by_run = {run.pk: str(run.uuid) for run in runs}
    states = {run.pk: state_of(run, names, by_run, calls.get(run.pk, [])) for run in runs}
    blocks = {message.pk: message.blocks for message in messages}
    shown = {
        run.answer_id: resumed(states[run.pk], blocks[run.answer_id], newest[run.pk])
        for run in runs
        if run.pk in newest
    }
    transcript = Transcript(
        head=here.last_seq,
        messages=list(in_reading_order(messages, runs, shown)),
        runs={str(run.uuid): states[run.pk] for run in runs if not run.removed},
    )
    times = {str(message.uuid): message.created_at for message in messages}
    return Snapshot(
        here, transcript, times, {str(run.uuid): run.at_work for run in runs if run.step}
    )


def still_there(conversation_id: int) -> Conversation:
    """Raises NotFound."""
    here = Conversation.objects.filter(pk=conversation_id, deleted_at__isnull=True).first()
    if here is None:
        raise NotFound(gettext("This conversation isn't here, or isn't yours."))
    return here


LOCK = "SELECT FROM streams_conversation WHERE id = %s FOR SHARE"


@contextmanager
def one_moment(conversation_id: int) -> Iterator[None]:
    """Makes all queries inside see the same state of the database.

    PostgreSQL accepts the isolation level only before a transaction's first query, so inside
    another transaction (as in most tests) the snapshot sees what that transaction sees.
    """
    database = connection()
    if not database.savepoint_ids:
        with database.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
        return
    before = database.savepoint()
    assert before is not None  # as it is outside of a transaction
    try:
        with database.cursor() as cursor:
            cursor.execute(LOCK, [conversation_id])
        yield
    finally:
        database.savepoint_rollback(before)


def newest_rows(run: Run) -> list[Row]:
    """Returns the events of an open run since the last step that is in its message; one that waits
    for its first attempt needs no query.
    """
    if run.attempt == 0:
        return []
    return log.run_rows(run.conversation_id, run.pk, run.step_seq)


def calls_by_run(runs: Iterable[Run]) -> dict[int, list[ToolCall]]:
    """Returns the calls of each run in order; where none has tools it needs no query."""
    found: dict[int, list[ToolCall]] = {}
    if with_steps := [run.pk for run in runs if run.steps]:
        for call in ToolCall.objects.filter(run__in=with_steps):
            found.setdefault(call.run_id, []).append(call)
    return found


def in_reading_order(
    messages: Iterable[Message], runs: Sequence[Run], shown: dict[int, list[Block]]
) -> Iterator[MessageState]:
    """Orders prompts with their answers after them, without those that were taken back."""
    by_id = {message.pk: message for message in messages}
    numbers = {message.seq: str(message.uuid) for message in by_id.values()} | {0: ""}
    answering = {run.answer_id for run in runs}
    answers: dict[int, list[Run]] = {}
    for run in runs:
        answers.setdefault(run.prompt_id, []).append(run)
    runs_by_id = {run.pk: str(run.uuid) for run in runs}
    for prompt in by_id.values():
        own = answers.get(prompt.pk, [])
        kept = [run for run in own if not run.removed]
        if prompt.pk in answering or (own and not kept):
            continue
        said = MessageState(str(prompt.uuid), prompt.seq, prompt.role, prompt.blocks)
        said.device, said.client_key = getattr(prompt, "device_then", None), prompt.client_key
        if prompt.parent_seq is not None:
            said.parent = numbers.get(prompt.parent_seq)
        for run in own:
            if run.into_id:
                said.into, said.at_block = runs_by_id[run.into_id], run.at_block
        yield said
        for run in kept:
            if run.status == Run.Status.STEERED:
                continue
            answer = by_id[run.answer_id]
            blocks = shown.get(answer.pk, answer.blocks)
            told = MessageState(str(answer.uuid), answer.seq, answer.role, blocks)
            told.run, told.parent = str(run.uuid), said.id
            yield told


def state_of(
    run: Run, names: dict[int, str], runs: dict[int, str], calls: Iterable[ToolCall]
) -> RunState:
    """Builds the state of a run; `names` and `runs` hold the ids of messages and runs."""
    completed, failed = (run.status == s for s in (Run.Status.COMPLETED, Run.Status.FAILED))
    return RunState(
        id=str(run.uuid),
        message=names[run.answer_id],
        prompt=names[run.prompt_id],
        model=run.model,
        status=run.status,
        rank=run.rank,
        attempt=run.attempt,
        stopping=run.status in Run.OPEN and run.cancel_requested_at is not None,
        stopped_by=run.cancelled_by if run.status == Run.Status.CANCELLED else None,
        stop_reason=run.stop_reason if completed else "",
        usage=run.usage if completed else {},
        error=error_of(run) if failed else None,
        step=run.step,
        calls={call.call_id: call_state_of(call) for call in calls},
        into=runs[run.into_id] if run.into_id else None,
    )


def call_state_of(call: ToolCall) -> CallState:
    """Returns the state of a call from its row, as its events would describe it."""
    ended = call.ended_at is not None
    return CallState(
        id=str(call.uuid),
        name=call.name,
        block=call.block,
        step=call.step,
        status=call.status,
        decision=call.decision or None,
        device=call.device,
        note=call.note or None,
        result=call.result if ended else None,
        ms=call.ms,
        client=call.client,
    )


def error_of(run: Run) -> dict[str, Any]:
    return {"code": run.error_code, "message": run.error_message, "retryable": run.retryable}
