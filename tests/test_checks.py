"""`manage.py check` reports what would fail silently in production."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import ERROR, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections
from psycopg import IsolationLevel

from streams import asgi, database_checks, settings_references, vapid
from streams.conf import conf
from streams.providers import registry
from streams.settings_validation import RENAMED, STILL_TAKEN

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PUSH_KEY = "x0BeeyKmZaEH7Kdl9lZGx7gIZHQXXnXS-o8mR-G0MOE"

ROOT = Path(__file__).resolve().parent.parent


def found(**options) -> set[str]:
    messages = run_checks(**options)
    return {message.id for message in messages if message.id.startswith("streams.")}


def test_the_projects_own_settings_pass():
    assert found() == set()
    assert [it for it in run_checks() if it.level >= ERROR] == []  # Django's of our models too


@pytest.mark.parametrize(
    ("name", "value", "id"),
    [
        ("USE_TZ", False, "streams.E014"),
        ("STREAMS", {"leese": 10}, "streams.E005"),
        ("STREAMS", {"lease": "10"}, "streams.E006"),
        ("STREAMS", {"concurrency": 2.5}, "streams.E006"),
        ("STREAMS", {"worker_rescan": True}, "streams.E006"),
        ("STREAMS", {"worker_rescan": -1}, "streams.E006"),
        ("STREAMS", {"default_model": None}, "streams.E006"),
        ("STREAMS", {"scripts": 1}, "streams.E006"),
        ("STREAMS", {"models": ["anthropic"]}, "streams.E006"),
        ("STREAMS", {"models": {"anthropic": "sk-secret"}}, "streams.E006"),
        ("STREAMS", {"models": {"anthropic": {"key": None}}}, "streams.E006"),
        ("STREAMS", {"models": {"anthropic": {"menu": "opus"}}}, "streams.E006"),
        ("STREAMS", {"models": {"anthropic": {"kye": "k"}}}, "streams.E005"),
        ("STREAMS", {"models": {"antropic": {"key": "k"}}}, "streams.E005"),
        ("STREAMS", ["lease"], "streams.E006"),
        ("STREAMS", None, "streams.E006"),
        ("STREAMS", {"lease": 6, "heartbeat": 3}, "streams.E007"),
        ("STREAMS", {"buffer_events": 0}, "streams.E010"),
        ("STREAMS", {"buffer_bytes": 0}, "streams.E010"),
        ("STREAMS", {"base_template": "site/nowhere.html"}, "streams.E020"),
        ("STREAMS", {"policy": "no.such.policy"}, "streams.E016"),
        ("STREAMS", {"agents": {"a": "tests.agents.example_agents.keyed"}}, "streams.E021"),
        ("STREAMS", {"webhooks": {"crm": {"secret": SECRET}}}, "streams.E023"),
        ("STREAMS", {"webhooks": {"crm": {"url": "ftp://a.b", "secret": SECRET}}}, "streams.E023"),
        ("STREAMS", {"webhooks": {"crm": {"url": "https://a.b"}}}, "streams.E023"),
        ("STREAMS", {"webhooks": {"crm": {"url": "https://a.b", "secret": "é"}}}, "streams.E023"),
        ("STREAMS", {"push": {"private_key": PUSH_KEY}}, "streams.E025"),
        ("STREAMS", {"push": {"private_key": PUSH_KEY, "subject": "us"}}, "streams.E025"),
        ("STREAMS", {"push": {"subject": "mailto:us@example.com"}}, "streams.E025"),
        ("STREAMS", {"push": {"private_key": "A" * 43, "subject": "mailto:a@b.c"}}, "streams.E025"),
        ("STREAMS", {"image_hosts": ["*.example.com"]}, "streams.E027"),
        ("STREAMS", {"image_hosts": ["https://example.com"]}, "streams.E027"),
        ("STREAMS", {"image_hosts": ["example.com/pictures"]}, "streams.E027"),
        ("STREAMS", {"image_hosts": ["example.com; script-src *"]}, "streams.E027"),
    ],
)
def test_a_setting_that_cannot_work_is_an_error(settings, name, value, id):
    setattr(settings, name, value)
    assert found() == {id}


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ({"leese": 10}, "lease"),
        ({"models": {"antropic": {"key": "k"}}}, "anthropic"),
        ({"models": {"anthropic": {"kye": "k"}}}, "key"),
    ],
)
def test_a_name_that_does_not_exist_is_told_with_the_nearest(settings, value, meant):
    settings.STREAMS = value
    assert [it.hint for it in run_checks() if it.id == "streams.E005"] == [f"Did you mean {meant}?"]


@pytest.mark.parametrize("name", STILL_TAKEN)
def test_a_name_of_the_last_tree_is_taken_with_a_warning_beside_the_one_it_has_now(settings, name):
    settings.STREAMS = {name: 7.0}
    assert getattr(conf(), RENAMED[name]) == 7.0
    assert found() == {"streams.W009"}
    settings.STREAMS = {RENAMED[name]: 8.0, name: 7.0}
    assert getattr(conf(), RENAMED[name]) == 8.0


@pytest.mark.parametrize("name", sorted({*RENAMED} - {*STILL_TAKEN}))
def test_a_setting_that_was_renamed_is_told_with_the_name_it_has_now(settings, name):
    settings.STREAMS = {name: 1.0}
    with pytest.raises(ImproperlyConfigured, match=rf"It is called {RENAMED[name]} now\."):
        conf()


def test_a_setting_that_cannot_be_is_told_by_whatever_reads_it_and_no_key_with_it(settings):
    settings.STREAMS = {"models": {"anthropic": "sk-secret"}}
    with pytest.raises(ImproperlyConfigured, match="Make it a dictionary") as raised:
        conf()
    assert "sk-secret" not in str(raised.value)


TOLD = {
    "webhooks": {"crm": {"url": "https://a.b", "secret": SECRET}},
    "push": {"private_key": PUSH_KEY, "subject": "mailto:us@example.com"},
}


def test_telling_people_that_can_work_is_left_alone_and_without_its_packages_is_an_error(
    settings, monkeypatch
):
    settings.STREAMS = TOLD
    assert found() == set()
    for module in (settings_references, vapid):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert found() == {"streams.E022", "streams.E024"}
    assert vapid.public_key() == ""


def test_a_provider_whose_packages_are_missing_is_told_with_its_extra(settings, monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    settings.STREAMS = {"models": {"anthropic": {"key": "k"}, "openai": {"key": ""}}}
    (told,) = (it for it in run_checks() if it.id.startswith("streams."))
    assert told.id == "streams.E013"
    assert 'pip install "chatstream[anthropic]"' in told.hint


HARMLESS = [
    {"lease": 7, "heartbeat": 3},
    {"flush_floor_ms": 0},
    {"image_hosts": ["Images.example.com:443", "localhost:8443"]},
]


@pytest.mark.parametrize("value", HARMLESS)
def test_settings_that_work_are_left_alone(settings, value):
    settings.STREAMS = value
    assert found() == set()


def test_gzip_is_warned_about(settings):
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    assert found() == {"streams.W001"}


class ReadsElsewhere:
    def db_for_read(self, model, **hints):
        return "replica" if model._meta.app_label == "streams" else None


class PeopleElsewhere:
    def db_for_write(self, model, **hints):
        return "accounts" if model._meta.app_label == "auth" else None


@pytest.mark.parametrize("router", ["ReadsElsewhere", "PeopleElsewhere"])
def test_tables_in_more_than_one_database_are_an_error(settings, router):
    settings.DATABASE_ROUTERS = [f"{__name__}.{router}"]
    assert found() == {"streams.E003"}


def test_another_database_is_an_error(monkeypatch):
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    assert "streams.E002" in found()


def test_a_transaction_that_does_not_see_what_others_commit_is_an_error(monkeypatch):
    options = connection.settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "isolation_level", IsolationLevel.READ_COMMITTED)
    assert found() == set()
    monkeypatch.setitem(options, "isolation_level", IsolationLevel.REPEATABLE_READ)
    assert found() == {"streams.E015"}


@pytest.mark.django_db
def test_the_tests_own_database_passes():
    assert found(databases=["default"]) == set()


@pytest.mark.django_db
def test_a_commit_that_does_not_wait_is_an_error():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
    assert found(databases=["default"]) == {"streams.E009"}


@pytest.mark.django_db
def test_a_connection_that_hears_nothing_is_warned_about(monkeypatch):
    """As PgBouncer in transaction mode: LISTEN is accepted, and that is all."""
    monkeypatch.setattr(database_checks, "hears_itself", lambda: False)
    assert found(databases=["default"]) == {"streams.W002"}


def test_an_old_server_is_an_error():
    assert [message.id for message in database_checks.server(140012, "on")] == ["streams.E008"]
    assert not list(database_checks.server(150000, "on"))


@pytest.mark.parametrize(
    ("models", "named", "debug", "warned"),
    [
        ({}, "", False, {"streams.W003"}),
        ({}, "scripted:demo", False, {"streams.W003"}),
        ({}, "", True, set()),
        ({"anthropic": {"key": "key"}}, "", False, set()),
        ({"openai-chat": {"url": "http://10.0.0.7/v1"}}, "openai-chat:mine", False, set()),
        ({"openai": {"key": "key"}}, "scripted:demo", False, {"streams.W003"}),
    ],
)
def test_a_deployment_where_scripts_answer_is_warned(settings, models, named, debug, warned):
    settings.STREAMS, settings.DEBUG = {"models": models, "default_model": named}, debug
    assert found(include_deployment_checks=True) == warned
    assert found() == set()


PRODUCTION = {
    "SECRET_KEY": "p" * 10 + "abcdefghijklmnopqrstuvwxyz0123456789-ABCDEFGHIJKLM",
    "HTTPS": "1",
    "ALLOWED_HOSTS": "chat.example.com",
    "DATABASE_URL": "postgresql://chat:secret@db.example.com/chat",
    "ANTHROPIC_API_KEY": "key",
}


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = {*PRODUCTION, "DEBUG", "DJANGO_SETTINGS_MODULE", "STREAMS", "DATA_DIR"}
    rest = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=rest | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_documented_production_settings_pass_djangos_deployment_checks(tmp_path):
    known = PRODUCTION | {"STATIC_ROOT": str(tmp_path)}
    checked = ["check", "--deploy", "--fail-level", "WARNING"]
    assert "manage.py collectstatic" in manage(*checked, **known).stderr
    manage("collectstatic", "--noinput", **known)
    done = manage(*checked, **known)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize("written", ["{ping: 1}", "[1]"])
def test_settings_that_are_no_json_object_are_told_in_one_sentence(written):
    done = manage("migrate", **PRODUCTION, STREAMS=written)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("STREAMS is no JSON object:")


def test_a_deployment_without_a_key_is_told_in_one_sentence():
    given = {name: value for name, value in PRODUCTION.items() if name != "SECRET_KEY"}
    done = manage("migrate", **given)
    assert done.returncode == 1
    assert done.stderr.startswith("Set SECRET_KEY:")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("named", ["tests.host_site_urls.application", "tests.no_such.application"])
def test_a_server_without_streams_is_warned_about(settings, monkeypatch, named):
    monkeypatch.setattr(asgi, "made", False)
    settings.ASGI_APPLICATION = named
    assert found() == {"streams.W005"}
