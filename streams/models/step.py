from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy

from .run import Run


class Step(models.Model):
    """One model call of a run that has ended: what a later one needs to go on from it.

    `streams.log` writes the row with the event `step.ended`. `replay` are the vendor's opaque items
    of this step, verbatim, for `provider` and `model` alone; they are in no event. `from_block` is
    the index of the step's first block in the answer. A step that `model` names nobody for is a
    call that a person let run again, and asked no model.
    """

    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="ended_steps", db_index=False
    )
    number = models.PositiveIntegerField()
    stop_reason = models.CharField(max_length=32)
    usage = models.JSONField(default=dict)
    provider = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=120, blank=True)
    replay = models.JSONField(default=list)
    from_block = models.PositiveIntegerField()
    ended_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = gettext_lazy("step")
        verbose_name_plural = gettext_lazy("steps")
        ordering = ("run", "number")
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="one_step_a_number")]

    def __str__(self) -> str:
        return f"step {self.number} of {self.run_id}"
