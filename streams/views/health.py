"""For load balancers: the process is up; the database and its migrations are there.

Conversations that were set aside are counted, and take no process out of service."""

from __future__ import annotations

from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import OperationalError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from streams.models import Fault


@cache
def newest_migrations() -> frozenset[tuple[str, str]]:
    """Of each app, read from the disk once: anybody may ask, and as often as they like."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    try:
        behind = newest_migrations() - MigrationRecorder(connection).applied_migrations().keys()
    except OperationalError:
        return JsonResponse({"status": "no database"}, status=503)
    if behind:
        return JsonResponse({"status": "migrations to run", "count": len(behind)}, status=503)
    set_aside = Fault.objects.values("conversation").distinct().count()
    return JsonResponse({"status": "ok", **({"set_aside": set_aside} if set_aside else {})})
