"""Schema changes that make nobody wait."""

from __future__ import annotations

from typing import Self

from django.db.backends.postgresql import schema

# A change that waits for a table holds up every later query of that table, and so every page.
WAIT = "500ms"


class SchemaEditor(schema.DatabaseSchemaEditor):
    """Gives up soon when a table is in use, by pg_dump for instance; the project's `manage.py
    migrate` has it, and tries again.
    """

    def __enter__(self) -> Self:
        super().__enter__()
        if self.atomic_migration and not self.collect_sql:
            with self.connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{WAIT}'")
        return self
