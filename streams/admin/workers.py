from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from streams.models import Run, Worker
from streams.postgres import clock

from .base import Inspected, ago, counted, pill, span


@admin.register(Worker)
class WorkerAdmin(Inspected):
    sortable_by = ("runs_now", "last_beat", "age")  # they are few
    list_display = ("name", "state", "runs_now", "concurrency", "last_beat", "age")
    list_filter = ("draining", ("stopped_at", admin.EmptyFieldListFilter))
    search_fields = ("name",)
    fields = (*list_display, "uuid", "started_at", "beat_at", "stopped_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        running = counted("worker", status=Run.Status.RUNNING)
        workers: QuerySet[Worker] = super().get_queryset(request)
        return workers.annotate(running=running)

    def has_delete_permission(self, request: HttpRequest, obj: Worker | None = None) -> bool:
        """Only one that said goodbye: a silent one's runs are still to be taken over."""
        may = request.user.has_perm("streams.delete_worker")
        return may and obj is not None and obj.state == "stopped"

    @admin.display(description=_("state"))
    def state(self, worker: Worker) -> SafeString:
        return pill(worker.state)

    @admin.display(description=_("running"), ordering="running")
    def runs_now(self, worker: Worker) -> int:
        return int(worker.running)  # type: ignore[attr-defined]

    @admin.display(description=_("last beat"), ordering="beat_at")
    def last_beat(self, worker: Worker) -> str:
        return ago(worker, "beat_at")

    @admin.display(description=_("up for"), ordering="started_at")
    def age(self, worker: Worker) -> str:
        """Shows how long a worker has lived; one that has gone or is silent, until its last sign of
        life.
        """
        silent = worker.beat_at if worker.state == "stale" else clock.of(worker)
        return span((worker.stopped_at or silent) - worker.started_at)
