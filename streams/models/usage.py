from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from streams.budgets import counted

if TYPE_CHECKING:
    from .run import Run

COUNTED = ("input_tokens", "output_tokens", "cached_tokens")


class Usage(models.Model):
    """What answers of one person by one model took, in the month in which they ended, by UTC.

    `streams.log` adds a row with the event that ends a run, all or nothing: rows are never changed,
    so nobody waits for another's. `streams.worker.retention` replaces many by one that is `merged`.
    Rows outlive their conversation: else deleting it would free its owner's budget.
    """

    # Without a constraint: its check would wait for any transaction that locks the person's row.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="streams_usage",
        db_index=False,
        db_constraint=False,
        verbose_name=gettext_lazy("owner"),
    )
    month = models.DateField(gettext_lazy("month"))  # its first day
    model = models.CharField(max_length=120)
    answers = models.PositiveIntegerField(gettext_lazy("answers"), db_default=1)
    requests = models.PositiveIntegerField(null=True, editable=False)  # none: one for each answer
    input_tokens = models.BigIntegerField(gettext_lazy("input tokens"), db_default=0)
    output_tokens = models.BigIntegerField(gettext_lazy("output tokens"), db_default=0)
    cached_tokens = models.BigIntegerField(gettext_lazy("cached tokens"), db_default=0)
    # Of the answers, those whose tokens no service has said.
    estimated_answers = models.PositiveIntegerField(db_default=0)
    merged = models.BooleanField(db_default=False)

    class Meta:
        verbose_name = gettext_lazy("usage")
        verbose_name_plural = gettext_lazy("usage")
        indexes = [
            models.Index(fields=["owner", "month"], name="usage_of_owner"),
            models.Index(fields=["id"], condition=models.Q(merged=False), name="usage_unmerged"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.model}"

    @classmethod
    def add(cls, run: Run) -> None:
        """Counts a run that is ended without a worker, in the caller's transaction."""
        if run.attempt:
            counts = {name: counted(run.usage.get(name)) for name in COUNTED}
            month = datetime.now(UTC).date().replace(day=1)
            counts["estimated_answers"] = int(run.usage.get("estimated") is True)
            about = {"owner_id": run.conversation.owner_id, "requests": max(1, run.step)}
            cls.objects.create(**about, month=month, model=run.model, **counts)
