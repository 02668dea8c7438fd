"""Migrations run beside workers of the release before and a backup, and none of them waits."""

from __future__ import annotations

import time

import psycopg
import pytest
from django.db import connection

from tests.migrating import another, migrate
from tests.processes import Process, database_url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def older():
    """The address of a database as the last release left it."""
    with another("older") as there:
        migrate(there, step_by_step_to="0008_siblings")
        there.close()
        yield database_url().replace(
            f"/{connection.settings_dict['NAME']}?", f"/{there.settings_dict['NAME']}?"
        )


@pytest.mark.timeout(170)
def test_a_migration_that_meets_a_backup_holds_up_nobody_and_is_made_once_that_is_over(older):
    with psycopg.connect(older) as backup, psycopg.connect(older, autocommit=True) as worker:
        backup.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        backup.execute("LOCK TABLE streams_run, streams_conversation IN ACCESS SHARE MODE")
        worker.execute("SET statement_timeout = '20s'")
        migrating, longest = Process("manage.py", "migrate", DATABASE_URL=older), 0.0
        while migrating.output.count("in use") < 2:
            assert migrating.popen.poll() is None, migrating.output
            asked = time.monotonic()
            worker.execute("UPDATE streams_run SET rank = rank")
            longest = max(longest, time.monotonic() - asked)
            time.sleep(0.01)
        assert longest < 5, "an old worker waited for the backup"
        backup.rollback()
        assert migrating.popen.wait(60) == 0, migrating.output
        worker.execute("SELECT deaths FROM streams_run")
