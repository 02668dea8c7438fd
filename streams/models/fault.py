from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy

from .conversation import Conversation


class Fault(models.Model):
    """A conversation that is set aside: which act failed, and when it is tried again.

    `streams.worker.quarantine` writes the row when a conversation fails alone, and deletes it once
    the act succeeds; so does `manage.py checklog --repair`.
    """

    class Act(models.TextChoices):
        ANSWER = "answer", gettext_lazy("starting or ending an answer")
        COMPACTION = "compaction", gettext_lazy("compacting ended answers")
        PURGE = "purge", gettext_lazy("deleting it for good")
        TITLE = "title", gettext_lazy("naming it")

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="faults")
    act = models.CharField(gettext_lazy("what failed"), max_length=10, choices=Act.choices)
    error = models.CharField(gettext_lazy("error"), max_length=300)
    times = models.PositiveIntegerField(gettext_lazy("times"), default=1)
    since = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())
    retry_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = gettext_lazy("fault")
        verbose_name_plural = gettext_lazy("faults")
        ordering = ("-last_at",)
        constraints = [
            models.UniqueConstraint(fields=["conversation", "act"], name="one_fault_an_act")
        ]

    def __str__(self) -> str:
        return f"{self.get_act_display()}: {self.error}"
