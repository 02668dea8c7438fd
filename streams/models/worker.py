from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import models
from django.db.models.functions import Now

from streams.conf import conf
from streams.postgres import clock


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> WorkerQuerySet:
        """Returns workers that have not signed off and whose lease has not expired."""
        beaten = Now() - timedelta(seconds=conf().lease)
        return self.filter(stopped_at__isnull=True, beat_at__gt=beaten)


class Worker(models.Model):
    """A `runworker` process and its heartbeat, by the database's clock.

    The heartbeat is the lease of all its runs, so one row is updated however many runs there are.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    process = models.CharField(max_length=120, db_default="", editable=False)
    concurrency = models.PositiveIntegerField()
    started_at = models.DateTimeField(db_default=Now())
    beat_at = models.DateTimeField(db_default=Now())
    draining = models.BooleanField(default=False)
    stopped_at = models.DateTimeField(null=True, blank=True)
    lost = models.BooleanField(db_default=False)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ("-beat_at",)

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """Returns alive, draining or stopped; if it did not sign off, lost (its process is known to
        be gone) or stale (its lease has expired).
        """
        if self.stopped_at:
            return "lost" if self.lost else "stopped"
        if self.beat_at < clock.of(self) - timedelta(seconds=conf().lease):
            return "stale"
        return "draining" if self.draining else "alive"
