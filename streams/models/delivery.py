from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy


class Delivery(models.Model):
    """The end of a run, or its beginning to wait, of which somebody is still to be told.

    `streams.log` writes the row with the event, all or nothing;
    `streams.worker.notifications.deliveries` deletes it once everybody has been told. `status` is
    what the run became, and `done` names who has been told of it already. There is no foreign key,
    whose check would cost more than the insert: a run that has gone meanwhile is passed over.
    """

    run_id = models.BigIntegerField()
    status = models.CharField(max_length=9, db_default="")  # empty: of a release before it was kept
    done = ArrayField(models.CharField(max_length=80), db_default=[])
    created_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveIntegerField(db_default=0)
    due_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = gettext_lazy("delivery")
        verbose_name_plural = gettext_lazy("deliveries")
        indexes = [models.Index(fields=["due_at"], name="deliveries_due")]

    def __str__(self) -> str:
        return f"run {self.run_id}: {self.status or 'ended'}"
