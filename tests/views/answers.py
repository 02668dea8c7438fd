"""What a worker writes, written by hand: answers that begin, grow and end."""

from __future__ import annotations

import uuid

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from streams import log
from streams.log import Append, RunChange, appending, transcript
from streams.models import Conversation, Run, ToolCall


def begin(run: Run, attempt: int = 1) -> None:
    """The claim: the lease, the run's row and its event."""
    with transaction.atomic():
        here = Conversation.lock(run.conversation_id)
        Run.objects.filter(pk=run.pk).update(
            status="running", attempt=attempt, started_at=timezone.now()
        )
        here.append(run.event("run.started", attempt=attempt))


def say(run, *texts, index=0, kind="text", start=True, end=True, **more) -> None:
    events = [run.event("block.started", index=index, kind=kind, **more)] if start else []
    events += [run.event("block.delta", index=index, text=text) for text in texts]
    events += [run.event("block.ended", index=index)] if end else []
    append(run, *events)


def complete(run: Run, stop_reason: str = "end_turn") -> None:
    usage = {"input_tokens": 3, "output_tokens": 5}
    event = run.event("run.completed", stop_reason=stop_reason, usage=usage)
    append(run, event, status="completed", stop_reason=stop_reason, usage=usage)


def fail(run: Run, code: str = "overloaded", message: str = "The model is busy.") -> None:
    event = run.event("run.failed", code=code, message=message, retryable=True)
    append(run, event, status="failed", error_code=code, error_message=message, retryable=True)


def stop(run: Run) -> None:
    run.refresh_from_db()
    by = {"device": run.cancelled_by} if run.cancelled_by else {}
    append(run, run.event("run.cancelled", **by), status="cancelled")


def append(run: Run, *events: log.NewEvent, **change) -> None:
    """The writer's own statement; a status in `change` ends the run with its blocks."""
    with transaction.atomic():
        Conversation.lock(run.conversation_id)
        if change:
            blocks = transcript.blocks_of(log.run_rows(run.conversation_id, run.pk))
            change = RunChange(run.pk, answer_id=run.answer_id, blocks=blocks, **change)
        with connection.cursor() as cursor:
            cursor.execute(
                appending.APPEND.replace(")b::", ")s::"),
                appending.arrays([Append(run.conversation_id, events, change=change or None)]),
            )


def waiting(run: Run, name: str = "refund", arguments: str = "{}") -> ToolCall:
    """A call that waits for a decision, as the row alone."""
    block = run.calls.count()
    Conversation.objects.filter(pk=run.conversation_id).update(undecided=F("undecided") + 1)
    return ToolCall.objects.create(
        run=run, step=1, block=block, call_id=f"call-{block}", vendor_id=f"call-{block}", name=name,
        arguments=arguments, key=uuid.uuid4(), status="waiting",
    )  # fmt: skip
