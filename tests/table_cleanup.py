"""Empties the tables after a test that committed.

Django's own way is TRUNCATE, which makes all tables and indexes anew, and then the permissions of
all models: a quarter of a second of a core for each of some five hundred tests, most of which have
written a few rows.
"""

from __future__ import annotations

from django.core.management import call_command
from django.db import connections, transaction
from django.test import TransactionTestCase

KEPT = {"django_content_type", "auth_permission"}  # as the migrations left them
LAST = {"streams_discardedfile"}  # a trigger writes there what is deleted elsewhere
LARGE = 1_000_000  # bytes: what is deleted stays in a table's file until it is vacuumed


def empty(self: TransactionTestCase) -> None:
    """Empties the tables in place of `_fixture_teardown`."""
    for name in self._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
        if not deleted(name):
            call_command(
                "flush", verbosity=0, interactive=False, database=name, reset_sequences=False
            )


def deleted(name: str) -> bool:
    """Deletes all rows, or answers False where a table is large or the database is another than
    PostgreSQL. The lock waits for transactions that still write, those of a process that was just
    killed too, as TRUNCATE would."""
    connection = connections[name]
    if connection.vendor != "postgresql":
        return False
    known = connection.introspection.django_table_names(only_existing=True, include_views=False)
    kept = sorted((table for table in known if table not in KEPT), key=LAST.__contains__)
    tables = [connection.ops.quote_name(table) for table in kept]
    with transaction.atomic(using=name), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(
            "SELECT max(pg_relation_size(it::regclass)) FROM unnest(%s::text[]) it", [tables]
        )
        if cursor.fetchone()[0] > LARGE:
            return False
        cursor.execute(";".join(f"DELETE FROM {table}" for table in tables))
    return True
