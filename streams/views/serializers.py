"""Resources as JSON."""

from __future__ import annotations

from typing import cast

from django.urls import reverse

from streams.models import Attachment, Conversation, Message, Run, ToolCall

from .schemas import responses
from .schemas.fields import CallStatus, Decided, OnBusy, RunStatus


def place(conversation: Conversation) -> str:
    return reverse("streams:conversation", args=[conversation.uuid])


def place_in(conversation: Conversation, message: Message) -> str:
    """Returns the end of the branch that holds a message, as an address of the page."""
    branched = conversation.messages.exclude(parent_seq=None).exists()
    return f"{place(conversation)}{f'?branch={message.uuid}' if branched else ''}#streams-newest"


def conversation(it: Conversation) -> responses.Conversation:
    """Returns a conversation as JSON."""
    return {
        "id": str(it.uuid),
        "url": place(it),
        "title": it.title,
        "model": it.model,
        "system": it.system,
        "on_busy": cast(OnBusy, it.on_busy),
        "archived": it.archived_at is not None,
        "pinned": it.pinned_at is not None,
        "created_at": it.created_at,
        "updated_at": it.updated_at,
        "head": it.last_seq,
    }


def posted(message: Message, run: Run) -> responses.Posted:
    """Returns a prompt that was just posted and its run as JSON."""
    return {
        "message": {"id": str(message.uuid), "seq": message.seq},
        "run": {"id": str(run.uuid), "status": cast(RunStatus, run.status)},
    }


def attachment_place(it: Attachment) -> str:
    return reverse("streams:attached-file", args=[it.uuid, it.name])


def attachment(it: Attachment) -> responses.Attachment:
    """Returns an attached file as JSON, with its address."""
    sent = str(it.conversation.uuid) if it.conversation else None
    known = it.reference() | {"url": attachment_place(it), "conversation": sent}
    return cast(responses.Attachment, known)


def run(it: Run) -> responses.Run:
    """Returns a run as JSON. It needs the columns of `with_ahead` and `with_attendance`."""
    failed = it.status == Run.Status.FAILED
    error: responses.Failure = {
        "code": it.error_code,
        "message": it.error_message,
        "retryable": it.retryable,
    }
    return {
        "id": str(it.uuid),
        "url": reverse("streams:run", args=[it.uuid]),
        "conversation": str(it.conversation.uuid),
        "prompt": str(it.prompt.uuid),
        "message": str(it.answer.uuid),
        "model": it.model,
        "status": cast(RunStatus, it.status),
        "ahead": it.ahead,  # type: ignore[attr-defined]
        "worker": it.attended,  # type: ignore[attr-defined]
        "attempt": it.attempt,
        "step": it.step,
        "into": str(it.into.uuid) if it.into else None,
        "calls": [call(each, it) for each in it.calls.all()] if it.steps else [],
        "stopping": it.status in Run.OPEN and it.cancel_requested_at is not None,
        "stopped_by": it.cancelled_by if it.status == Run.Status.CANCELLED else None,
        "queued_at": it.queued_at,
        "started_at": it.started_at,
        "first_token_at": it.first_token_at,
        "ended_at": it.ended_at,
        "stop_reason": it.stop_reason,
        "usage": it.usage,
        "error": error if failed else None,
    }


def call(it: ToolCall, run: Run | None = None) -> responses.Call:
    """Builds a call; `run` is its run where that is known already."""
    of = run or it.run
    return {
        "id": str(it.uuid),
        "url": reverse("streams:decision", args=[of.uuid, it.uuid]),
        "run": str(of.uuid),
        "call_id": it.call_id,
        "step": it.step,
        "block": it.block,
        "name": it.name,
        "arguments": it.arguments,
        "client": it.client,
        "status": cast(CallStatus, it.status),
        "decision": cast(Decided, it.decision) if it.decision else None,
        "device": it.device,
        "note": it.note or None,
        "result": it.result if it.ended_at else None,
        "ms": it.ms,
    }
