"""The questions of the person on call, as filters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from streams.conf import conf
from streams.models import Run

PATIENCE = timedelta(seconds=30)
LONG = timedelta(hours=1)


class Stuck(admin.SimpleListFilter):
    """Runs that ought to have moved by now."""

    title = "stuck"
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("any", "Anything stuck"),
            ("lost", "Running, its worker is silent"),
            ("stopping", "Asked to stop, still running"),
            ("silent", "Running, no token yet"),
            ("waiting", "Queued, nobody takes it"),
            ("people", "Waits for a person, for an hour or more"),
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
    """Not behind another answer of its own conversation: that is a queue, not a fault."""
    taken = (Run.Status.RUNNING, Run.Status.WAITING)
    busy = Run.objects.filter(conversation=OuterRef("conversation"), status__in=taken)
    late = Now() - PATIENCE
    return Q(status=Run.Status.QUEUED, queued_at__lt=late) & ~Q(Exists(busy))


def people() -> Q:
    """A person's to decide, and so no fault; but they may not know."""
    return Q(status=Run.Status.WAITING, waiting_since__lt=Now() - LONG)
