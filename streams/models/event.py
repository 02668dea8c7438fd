from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy


class Event(models.Model):
    """One numbered row of a conversation's log; only `streams.log` reads and writes them.

    There is no foreign key: its check would cost more than the insert, and appending locks the
    conversation's row anyway. Every key begins with the conversation, so that the table can be
    sharded or partitioned by it.
    """

    class Type(models.TextChoices):
        MESSAGE_CREATED = "message.created"
        RUN_QUEUED = "run.queued"
        RUN_STARTED = "run.started"
        RUN_WAITING = "run.waiting"
        RUN_STEERED = "run.steered"
        STEP_STARTED = "step.started"
        STEP_ENDED = "step.ended"
        BLOCK_STARTED = "block.started"
        BLOCK_DELTA = "block.delta"
        BLOCK_ENDED = "block.ended"
        TOOL_WAITING = "tool.waiting"
        TOOL_DECIDED = "tool.decided"
        TOOL_STARTED = "tool.started"
        TOOL_PROGRESS = "tool.progress"
        TOOL_ENDED = "tool.ended"
        CANCEL_REQUESTED = "run.cancel_requested"
        RUN_COMPLETED = "run.completed"
        RUN_FAILED = "run.failed"
        RUN_CANCELLED = "run.cancelled"
        CONVERSATION_UPDATED = "conversation.updated"

    TERMINAL = (Type.RUN_COMPLETED, Type.RUN_FAILED, Type.RUN_CANCELLED, Type.RUN_STEERED)

    pk = models.CompositePrimaryKey("conversation_id", "seq")
    conversation_id = models.BigIntegerField()
    seq = models.BigIntegerField()
    run_id = models.BigIntegerField(null=True)
    type = models.CharField(max_length=32, choices=Type.choices)
    data = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = gettext_lazy("event")
        verbose_name_plural = gettext_lazy("events")
        constraints = [
            # The last guard of "exactly one terminal event per run"; not of run.steered, for which
            # an index of this table would have to be built anew.
            models.UniqueConstraint(
                fields=["conversation_id", "run_id"],
                condition=models.Q(type__in=["run.completed", "run.failed", "run.cancelled"]),
                name="one_terminal_event",
            ),
        ]
