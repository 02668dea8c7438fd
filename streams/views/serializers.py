"""Resources as JSON."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from streams.models import Conversation, Message, Run


def place(conversation: Conversation) -> str:
    return reverse("streams:conversation", args=[conversation.uuid])


def conversation(it: Conversation) -> dict[str, Any]:
    return {
        "id": str(it.uuid),
        "url": place(it),
        "title": it.title,
        "model": it.model,
        "system": it.system,
        "on_busy": it.on_busy,
        "archived": it.archived_at is not None,
        "created_at": it.created_at,
        "updated_at": it.updated_at,
        "head": it.last_seq,
    }


def posted(message: Message, run: Run) -> dict[str, Any]:
    return {
        "message": {"id": str(message.uuid), "seq": message.seq},
        "run": {"id": str(run.uuid), "status": run.status},
    }


def run(it: Run) -> dict[str, Any]:
    failed = it.status == Run.Status.FAILED
    error = {"code": it.error_code, "message": it.error_message, "retryable": it.retryable}
    return {
        "id": str(it.uuid),
        "url": reverse("streams:run", args=[it.uuid]),
        "conversation": str(it.conversation.uuid),
        "prompt": str(it.prompt.uuid),
        "message": str(it.answer.uuid),
        "model": it.model,
        "status": it.status,
        "ahead": it.ahead,  # type: ignore[attr-defined]
        "worker": it.attended,  # type: ignore[attr-defined]
        "attempt": it.attempt,
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
