"""Probes for load balancers: the process is up, the database and its migrations are there.

Conversations that were set aside are counted, but take no process out of service.
"""

from __future__ import annotations

from functools import cache

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import OperationalError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from streams import queue_health
from streams.models import Fault
from streams.postgres import error_diagnosis
from streams.postgres.availability import why
from streams.postgres.database import connection
from streams.postgres.error_diagnosis import Trouble
from streams.static_files_check import uncollected


@cache
def newest_migrations() -> frozenset[tuple[str, str]]:
    """Returns each app's newest migration, read from the disk once since anybody may ask often."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Answers 200 if this process can serve, else 503, with a `status` in words."""
    try:
        behind = newest_migrations() - MigrationRecorder(connection()).applied_migrations().keys()
        reads_only = only_reads()
    except OperationalError:
        return unready(why())
    if reads_only:
        return unready(error_diagnosis.READ_ONLY)
    if behind:
        return JsonResponse({"status": "migrations to run", "count": len(behind)}, status=503)
    if missing := uncollected():
        return JsonResponse({"status": "no static files", "meaning": missing}, status=503)
    set_aside = Fault.objects.values("conversation").distinct().count()
    worries = queue_health.look()
    if met := error_diagnosis.lately.trouble:
        worries[met.word] = met.meaning
    return JsonResponse(
        {
            "status": "ok",
            **({"set_aside": set_aside} if set_aside else {}),
            **({"worries": worries} if worries else {}),
        }
    )


def unready(found: Trouble) -> JsonResponse:
    return JsonResponse({"status": found.word, "meaning": found.meaning}, status=503)


def only_reads() -> bool:
    with connection().cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only')")
        return bool(cursor.fetchone()[0] == "on")
