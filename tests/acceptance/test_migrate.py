"""Migrations beside old workers and a running backup: nobody waits for them."""

from __future__ import annotations

import time

import psycopg
import pytest
from django.db import connection

from tests.processes import Process, database_url

pytestmark = pytest.mark.django_db(transaction=True)

OLDER = "0008"


@pytest.fixture
def older():
    """The address of a database as the last release left it."""
    name = f"{connection.settings_dict['NAME']}_older"
    here = database_url()
    url = here.replace(f"/{connection.settings_dict['NAME']}?", f"/{name}?")
    with psycopg.connect(here, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name}")
        server.execute(f"CREATE DATABASE {name}")
        try:
            done = migrate(url, "streams", OLDER)
            assert done.popen.wait(120) == 0, done.output
            yield url
        finally:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def migrate(url, *arguments):
    return Process("manage.py", "migrate", *arguments, DATABASE_URL=url)


@pytest.mark.timeout(170)
def test_a_migration_that_meets_a_backup_holds_up_nobody_and_is_made_once_that_is_over(older):
    with psycopg.connect(older) as backup, psycopg.connect(older, autocommit=True) as worker:
        backup.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        backup.execute("LOCK TABLE streams_run, streams_conversation IN ACCESS SHARE MODE")
        worker.execute("SET statement_timeout = '20s'")
        migrating, longest = migrate(older), 0.0
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
