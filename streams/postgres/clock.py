"""The database's clock, which stamps all rows: the clock of a web machine may differ."""

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
    """Adds to each row the database's time of reading, for lists that say how long ago something
    was.
    """
    known: QuerySet[Any] = rows.annotate(read_at=Now())
    return known


def of(row: Model) -> datetime:
    """Returns the time at which the row was read by a `dated` query, or else the present."""
    return getattr(row, "read_at", None) or now()
