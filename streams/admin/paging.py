"""Paging of long lists in the admin, whose rows are counted only up to a limit."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator

from streams.postgres.database import connection

COUNTED = 10_000

ESTIMATE = "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass"


class LongPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to `COUNTED` rows; of a whole table, what PostgreSQL estimates if that is more. So
    what a filter finds beyond them is seen by a narrower filter.
    """

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        found = int(rows.order_by().values("pk")[: COUNTED + 1].count())
        if found <= COUNTED:
            return found
        return COUNTED if rows.query.where else max(COUNTED, self.estimate())

    def estimate(self) -> int:
        rows: Any = self.object_list
        table = rows.model._meta.db_table
        with connection().cursor() as cursor:
            cursor.execute(ESTIMATE, [connection().ops.quote_name(table)])
            return int(cursor.fetchone()[0])

    def page(self, number: Any) -> Page[Any]:
        """Skips by keys alone: what the columns show is asked for the rows of this page."""
        number = self.validate_number(number)
        rows: Any = self.object_list
        first = (number - 1) * self.per_page
        keys = list(rows.values_list("pk", flat=True)[first : first + self.per_page])
        return Page(rows.filter(pk__in=keys), number, self)
