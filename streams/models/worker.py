from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy

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

    uuid = models.UUIDField(gettext_lazy("UUID"), default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(gettext_lazy("name"), max_length=120)
    process = models.CharField(max_length=120, db_default="", editable=False)
    concurrency = models.PositiveIntegerField(gettext_lazy("concurrency"))
    started_at = models.DateTimeField(gettext_lazy("started at"), db_default=Now())
    beat_at = models.DateTimeField(gettext_lazy("last heartbeat"), db_default=Now())
    draining = models.BooleanField(gettext_lazy("draining"), default=False)
    stopped_at = models.DateTimeField(gettext_lazy("stopped at"), null=True, blank=True)
    lost = models.BooleanField(db_default=False)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("worker")
        verbose_name_plural = gettext_lazy("workers")
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
