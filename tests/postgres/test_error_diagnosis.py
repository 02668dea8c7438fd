"""Database errors are described in words on pages, at /readyz, by `check` and in the log."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.core.checks import run_checks
from django.db import connection, connections
from django.db.models.functions import Now

from streams import queue_health, static_files_check
from streams.models import Run
from streams.postgres import availability, clock, error_diagnosis
from streams.postgres.connections import pool
from tests.chatstream.test_deployment import deployed  # noqa: F401
from tests.factories import WorkerFactory
from tests.processes import eventually

FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device'
        USING ERRCODE = '53100';
END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON streams_message EXECUTE FUNCTION full_disk();
"""


@pytest.fixture(autouse=True)
def _nothing_met(monkeypatch):
    monkeypatch.setattr(error_diagnosis, "lately", error_diagnosis.Lately())


@pytest.fixture
def page(client, anna):
    client.force_login(anna)
    client.raise_request_exception = False
    client.get("/c/")
    return client


def ask(page, conversation):
    return page.post(
        f"/c/{conversation.uuid}/messages",
        {"content": "Hello"},
        headers={"Accept": "application/json"},
    )


@pytest.mark.django_db
def test_a_full_disk_is_called_that(page, conversation, caplog):
    with connection.cursor() as cursor:
        cursor.execute(FULL)
    refused = ask(page, conversation)
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        503,
        "The database's disk is full, so nothing can be saved just now.",
    )
    assert "PostgreSQL's disk is full: nothing can be saved until" in caplog.text
    assert "disk is full" in page.get("/readyz").json()["worries"]["disk full"]


@pytest.fixture
def standby(page, conversation):
    """The next transactions may only read."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET default_transaction_read_only")


@pytest.mark.django_db(transaction=True)
def test_a_standby_is_not_ready_and_says_why(page, conversation, standby):
    ready = page.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "read only")
    assert "Point DATABASE_URL at the primary" in ready.json()["meaning"]
    assert "only be read" in ask(page, conversation).json()["error"]["message"]


@pytest.mark.django_db(transaction=True)
def test_a_check_of_a_standby_says_why(monkeypatch):
    monkeypatch.setitem(
        connections["default"].settings_dict["OPTIONS"],
        "options",
        "-c default_transaction_read_only=on",
    )
    connections["default"].close()
    found = {message.id for message in run_checks(databases=["default"])}
    connections["default"].close()
    assert "streams.E012" in found


UNREACHABLE = [
    ({"user": "stranger"}, error_diagnosis.REFUSED),
    ({"dbname": "nowhere"}, error_diagnosis.MISSING),
    ({"user": "limited"}, error_diagnosis.CONNECTIONS),
    ({"host": "/nonexistent/password"}, error_diagnosis.AWAY),
    ({}, error_diagnosis.BUSY),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("changed", "found"), UNREACHABLE, ids=[t.word for _, t in UNREACHABLE])
def test_what_keeps_us_from_the_database_is_found_out(monkeypatch, client, changed, found):
    with connection.cursor() as cursor:
        cursor.execute("DROP ROLE IF EXISTS limited")
        cursor.execute("CREATE ROLE limited LOGIN CONNECTION LIMIT 0")
    known = availability.parameters() | changed
    monkeypatch.setattr(availability, "parameters", lambda: known)
    assert availability.why() is found


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ('FATAL:  password authentication failed for user "chat"', error_diagnosis.REFUSED),
        ("FATAL:  no pg_hba.conf entry for host", error_diagnosis.REFUSED),
        ("FATAL:  sorry, too many clients already", error_diagnosis.CONNECTIONS),
        ("FATAL:  remaining connection slots are reserved", error_diagnosis.CONNECTIONS),
        ("FATAL:  the database system is starting up", error_diagnosis.STARTING),
        ('FATAL:  database "chat" does not exist', error_diagnosis.MISSING),
        ("Connection refused", error_diagnosis.AWAY),
    ],
)
def test_what_a_server_says_while_one_connects(said, found):
    assert error_diagnosis.of(psycopg.OperationalError(f"connection failed: {said}")) is found


@pytest.mark.django_db
def test_no_worker_full_workers_and_a_queue_that_does_not_move(page, conversation, laptop):
    assert page.get("/readyz").json()["worries"] == {"no worker": queue_health.NOBODY}
    warned = run_checks(include_deployment_checks=True, databases=["default"])
    assert queue_health.NOBODY in [message.msg for message in warned]
    worker = WorkerFactory(beat_at=Now(), concurrency=1)
    assert "worries" not in page.get("/readyz").json()

    run = conversation.post("Hello", laptop)[1]
    assert not queue_health.look(), "it has only just come"
    Run.objects.update(queued_at=Now() - timedelta(seconds=queue_health.LATE + 60))
    assert "1 prompts wait" in queue_health.look()["queue stuck"]
    busy = type(conversation).objects.create(owner=conversation.owner, model="scripted:demo")
    Run.objects.filter(pk=busy.post("Hello", laptop)[1].pk).update(
        status="running", worker=worker, started_at=Now()
    )
    assert "all 1 places are taken" in queue_health.look()["workers full"]
    Run.objects.filter(pk=run.pk).update(status="running", worker=worker, started_at=Now())
    assert not queue_health.look()


@pytest.mark.django_db(transaction=True)
async def test_the_log_says_when_nobody_works_and_when_somebody_does(
    monkeypatch, caplog, other_half
):
    monkeypatch.setattr(queue_health, "LOOK_EVERY", 0.02)
    caplog.set_level(logging.INFO)
    asking = pool("test", most=1)
    async with asking:
        watching = asyncio.create_task(queue_health.watch(asking))
        await asyncio.to_thread(eventually, lambda: queue_health.NOBODY in caplog.text)
        now = await sync_to_async(clock.now)()
        await sync_to_async(WorkerFactory)(beat_at=now)
        await asyncio.to_thread(eventually, lambda: "answered again" in caplog.text)
        watching.cancel()
    assert caplog.text.count(queue_health.NOBODY) == 1


@pytest.mark.django_db
def test_forgotten_static_files_are_not_ready(settings, tmp_path, client):
    settings.STATIC_ROOT = tmp_path / "nothing"
    files = {"BACKEND": "chatstream.storage.StaticFiles"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": files}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "no static files")
    assert "collectstatic" in ready.json()["meaning"]
    found = {message.id for message in run_checks(include_deployment_checks=True)}
    assert "streams.E011" in found


def test_static_files_of_an_older_release_are_told(deployed, monkeypatch):  # noqa: F811
    assert static_files_check.stale() == ""
    storage = static_files_check.staticfiles_storage
    monkeypatch.delitem(storage.hashed_files, "streams/css/base.css")
    assert (
        "1 static files were not collected, such as streams/css/base.css"
        in static_files_check.stale()
    )
