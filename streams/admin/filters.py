"""Filters of the admin's lists: stuck runs, and the error codes, models and workers of late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from streams.conf import conf
from streams.models import Run, Worker
from streams.providers.base import Code

RECENT = 10_000  # rows, the newest
WORKERS = 50
PATIENCE = timedelta(seconds=30)
LONG = timedelta(hours=1)


class Recent(admin.SimpleListFilter):
    """A filter by the values that a column has in the newest rows, since collecting them from all
    rows would read each. `parameter_name` is the column.
    """

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows, column = model_admin.model._default_manager.order_by("-pk"), self.parameter_name
        found = {row[column] for row in rows.values(column)[:RECENT].iterator()}
        return [(name, name) for name in sorted(found | {self.value() or ""}) if name]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset


class RecentModel(Recent):
    title = _("model")
    parameter_name = "model"


class RecentType(Recent):
    title = _("type")
    parameter_name = "type"


class ErrorCode(admin.SimpleListFilter):
    title = _("error code")
    parameter_name = "error_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code.value, code.value) for code in Code]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(status=Run.Status.FAILED, error_code=self.value())


class RecentWorker(admin.SimpleListFilter):
    """The workers that were alive last."""

    title = _("worker")
    parameter_name = "worker"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = Worker.objects.order_by("-beat_at")[:WORKERS]
        return [(str(worker.pk), str(worker)) for worker in newest]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(worker=int(value)) if value.isdecimal() else queryset


class Stuck(admin.SimpleListFilter):
    """Runs that are stuck, and those that have waited an hour for a person."""

    title = _("stuck")
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("any", gettext("Anything stuck")),
            ("lost", gettext("Running, its worker is silent")),
            ("stopping", gettext("Asked to stop, still running")),
            ("silent", gettext("Running, no token yet")),
            ("waiting", gettext("Queued, nobody takes it")),
            ("people", gettext("Waits for a person, for an hour or more")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {"lost": lost(), "stopping": stopping(), "silent": silent(), "waiting": waiting()}
        known["people"] = people()
        match self.value():
            case "any":
                return queryset.filter(lost() | stopping() | silent() | waiting())
            case str(value) if value in known:
                return queryset.filter(known[value])
        return queryset


def lost() -> Q:
    stale = Now() - timedelta(seconds=conf().lease)
    silent = Q(worker=None) | Q(worker__stopped_at__isnull=False) | Q(worker__beat_at__lt=stale)
    return Q(status=Run.Status.RUNNING) & silent


def stopping() -> Q:
    late = Now() - timedelta(seconds=conf().lease)
    return Q(status=Run.Status.RUNNING, cancel_requested_at__lt=late)


def silent() -> Q:
    late = Now() - PATIENCE
    return Q(status=Run.Status.RUNNING, first_token_at=None, started_at__lt=late)


def waiting() -> Q:
    """Finds runs that have waited for a worker for too long. Waiting behind another answer of the
    conversation is a queue and no fault.
    """
    taken = (Run.Status.RUNNING, Run.Status.WAITING)
    busy = Run.objects.filter(conversation=OuterRef("conversation"), status__in=taken)
    late = Now() - PATIENCE
    return Q(status=Run.Status.QUEUED, queued_at__lt=late) & ~Q(Exists(busy))


def people() -> Q:
    """Waiting for a person's decision for too long: no fault, but the person may not know of it."""
    return Q(status=Run.Status.WAITING, waiting_since__lt=Now() - LONG)
