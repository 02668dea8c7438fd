from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Delivery(models.Model):
    """The end of a run of which the site's own receivers are still to be told.

    `streams.log` writes the row with the event that ends the run, all or nothing;
    `streams.worker.deliveries` deletes it once they have been told. There is no foreign key, whose
    check would cost more than the insert: a run that has gone meanwhile is passed over.
    """

    run_id = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveIntegerField(db_default=0)
    due_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="deliveries_due")]
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"the end of run {self.run_id}"
