"""Databases beside the tests' own, as far as any release had migrated them."""

from __future__ import annotations

from contextlib import contextmanager

from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader


@contextmanager
def another(name):
    """A connection to a new database beside the tests' own, known to Django by this name."""
    connections[name] = there = connection.copy(alias=name)
    name = there.settings_dict["NAME"] = f"{there.settings_dict['NAME']}_{name}"
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield there
        finally:
            there.close()
            del connections[there.alias]
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def migrate(there, *, step_by_step_to=None):
    """Migrates as `manage.py migrate streams` does, or as the releases before did."""
    executor = MigrationExecutor(there)
    if step_by_step_to:
        executor.loader = MigrationLoader(there, replace_migrations=False)
        return executor.migrate([("streams", step_by_step_to)])
    executor.loader.check_consistent_history(there)
    made = executor.migration_plan(targets(executor))
    executor.migrate(targets(executor))
    return [each.name for each, _ in made if each.app_label == "streams"]


def targets(executor):
    return [key for key in executor.loader.graph.leaf_nodes() if key[0] == "streams"]
