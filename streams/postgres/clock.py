"""The database's clock, by which its rows are stamped: a machine's own may stand elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet
from django.db.models.functions import Now

from .database import connection


def now() -> datetime:
    with connection().cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def dated(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Rows that know when they were read, for lists in which each says how long ago."""
    known: QuerySet[Any] = rows.annotate(read_at=Now())
    return known


def of(row: Model) -> datetime:
    """When the row was read, if its query was `dated`; or else now."""
    return getattr(row, "read_at", None) or now()
