"""Stops a run wherever it is: ends it here if no worker holds it, else asks its worker to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streams import log
from streams.log import transcript
from streams.postgres import channels, clock

from .causing_device import caused_by
from .usage import Usage

if TYPE_CHECKING:
    from .conversation import Conversation
    from .device import Device
    from .run import Run


def cancel(run: Run, conversation: Conversation, device: Device | None) -> None:
    """Stops a run of a conversation whose row the caller holds."""
    if run.status in (run.Status.QUEUED, run.Status.WAITING):
        end(run, conversation, device)
    elif run.status == run.Status.RUNNING:
        request(run, conversation, device)


def end(run: Run, conversation: Conversation, device: Device | None) -> None:
    """Ends a run that no worker holds, and its open calls; what it has shown stays."""
    run.cancelled_by = device.mark if device else None
    ending = log.RunEnding(run.pk, str(run.uuid), run.answer_id, shown(run))
    event, change = ending.cancelled(run.cancelled_by)
    run.status, run.ended_at = run.Status.CANCELLED, clock.of(run)
    if run.upstream:  # it was left to be continued, and so not counted yet
        shown_since = ending.blocks[run.from_block :]
        run.usage = log.with_lost_call(run.usage, run.prompt.text, shown_since) or run.usage
    run.save(update_fields=["status", "ended_at", "cancelled_by", "usage"])
    if run.attempt:
        run.answer.blocks = change.blocks
        run.answer.save(update_fields=["blocks"])
    Usage.add(run)
    calls = run.calls.open().order_by("block") if run.steps else ()
    ended = [call.end_unrun() for call in calls]
    if run.steps and conversation.undecided:  # without steps, it is another run's count
        conversation.undecided = 0
        conversation.save(update_fields=["undecided"])
    conversation.append(*ended, event)


def shown(run: Run) -> list[dict[str, Any]]:
    """Returns the blocks of its answer, as the log has them by now."""
    if not run.attempt:
        return []
    rows = log.run_rows(run.conversation_id, run.pk, run.step_seq)
    return transcript.blocks_of(rows, run.answer.blocks if run.steps else [])


def request(run: Run, conversation: Conversation, device: Device | None) -> None:
    """Records the request and wakes the worker: only the holder of the lease ends a running run."""
    if run.cancel_requested_at:
        return
    run.cancel_requested_at = clock.of(run)
    run.cancelled_by = device.mark if device else None
    run.save(update_fields=["cancel_requested_at", "cancelled_by"])
    conversation.append(run.event("run.cancel_requested", **caused_by(device)))
    channels.cancel_requested(run.pk)
