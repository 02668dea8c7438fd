"""A site of somebody else's, docs/examples/portal: the wheel, and nothing of this repository."""

from __future__ import annotations

import json
import os
import shutil

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from playwright.sync_api import expect
from psycopg import sql

from tests.processes import Process, eventually
from tests.wheel import Environment, inherited

SITE = settings.BASE_DIR / "docs" / "examples" / "portal"
WITHIN = 15_000  # milliseconds, with everything else of a site that has just been started
PASSWORD = "zwei-geraete-ein-satz"
SEED = f"""
import django
django.setup()
from django.core.management import call_command
for alias in ("default", "people"):
    call_command("migrate", database=alias, verbosity=0)
    call_command("check", databases=[alias])
call_command("makemigrations", check_changes=True, verbosity=0)
call_command("collectstatic", interactive=False, verbosity=0)
from billing.models import Invoice
from people.models import Device, Member
anna = Member.objects.create_user("anna@example.com", "{PASSWORD}", full_name="Anna")
Member.objects.create_superuser("vera@example.com", "{PASSWORD}", full_name="Vera")
Device.objects.create(member=anna, name="Router")
Invoice.objects.create(number="2026-1", member=anna.pk, text="1 Router, 89 Euro")
print(anna.pk)
"""


class Site:
    """A copy of the portal, its environment and its two databases."""

    def __init__(self, folder, wheel):
        self.folder = folder / "portal"
        shutil.copytree(SITE, self.folder)
        self.environment = Environment(
            folder / "venv", wheel, "server", beside=("pytest", "pytest-django")
        )
        at = connection.get_connection_params()
        self.name = f"portal_{os.getpid()}"
        self.variables = {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "STREAMS": json.dumps({"default_model": "scripted:demo@20", "scripts": True}),
            "PGDATABASE": self.name,
            "PGHOST": str(at.get("host", "")),
            "PGPORT": str(at.get("port", "")),
            "PGUSER": str(at.get("user", "")),
            "PGPASSWORD": str(at.get("password", "")),
        }
        self.databases = [self.name, f"{self.name}_people"]
        self.own = {key: at[key] for key in ("host", "port", "user", "password") if at.get(key)}
        self.each_database("CREATE DATABASE {}")

    def each_database(self, statement):
        with self.connected("postgres") as database:
            for name in self.databases:
                database.execute(sql.SQL(statement).format(sql.Identifier(name)))

    def connected(self, name):
        return psycopg.connect(**self.own, dbname=name, autocommit=True)

    def run(self, *arguments):
        done = self.environment.run(*arguments, cwd=self.folder, **self.variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rows(self):
        """Counts the rows of each table of the app, but for those about workers and the
        database.
        """
        tables = "SELECT tablename FROM pg_tables WHERE tablename LIKE 'streams\\_%'"
        with self.connected(self.databases[1]) as database:
            names = {name for (name,) in database.execute(tables)}
            names -= {"streams_worker", "streams_epoch"}
            count = sql.SQL("SELECT count(*) FROM {}")
            return {
                name: database.execute(count.format(sql.Identifier(name))).fetchone()[0]
                for name in names
            }


class SiteProcess(Process):
    def __init__(self, site, *arguments):
        known = inherited() | site.variables | {"PYTHONUNBUFFERED": "1"}
        command = [str(site.environment.python), *arguments]
        self.watch(command, cwd=site.folder, env=known)


@pytest.fixture
def site(wheel, tmp_path, transactional_db):
    site = Site(tmp_path, wheel)
    yield site
    site.each_database("DROP DATABASE IF EXISTS {} WITH (FORCE)")


@pytest.fixture
def running(site):
    """Its member's key, its address, and its own tests, which go on meanwhile."""
    member = site.run("-c", SEED).split()[-1]
    serve = ("portal.asgi:application", "--port", "0", "--timeout-graceful-shutdown", "5")
    processes = [
        SiteProcess(site, "-m", "uvicorn", *serve),
        SiteProcess(site, "manage.py", "runworker"),
        SiteProcess(site, "-m", "pytest", "-q"),
    ]
    web, _, tests = processes
    yield member, web.wait_for(r"running on (http://\S+)")[1], tests
    for process in processes:
        if process.popen.poll() is None:
            process.stop()


@pytest.fixture
def device(chromium, running):
    """Signs in where the site sends whoever asks for a page, each time with another browser."""
    contexts, complaints = [], []

    def signed_in(email, path):
        context = chromium.new_context(base_url=running[1], locale="de")
        contexts.append(context)
        context.set_default_timeout(WITHIN)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        page.get_by_label("E-Mail").fill(email)
        page.get_by_label("Passwort").fill(PASSWORD)
        page.get_by_role("button", name="Anmelden").click()
        page.wait_for_url(f"**{path}")
        return page

    yield signed_in
    for context in contexts:
        context.close()
    assert complaints == []


def test_another_site_moves_in(site, running, device):
    member, _, tests = running
    page = device("anna@example.com", "/rechnungen/2026-1/")
    its_own_pages_are_as_they_were(page)

    page.get_by_role("button", name="Erklären").click()
    reads(page, "An answer that survives")
    page.reload()
    reads(page, "Refresh the page")

    phone = device("anna@example.com", "/rechnungen/2026-1/")
    for each in (phone, page):
        reads(each, "Open it on a second device")
    phone.locator("button.stop").click()
    for each in (phone, page):
        expect(answer(each)).to_have_attribute("data-status", "cancelled", timeout=WITHIN)

    page.goto("/portal/assistant/")
    expect(page.get_by_role("button", name="Abmelden")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "de"

    assert site.rows()["streams_event"]
    staff = device("vera@example.com", f"/verwaltung/people/member/{member}/delete/")
    staff.get_by_role("button", name="Ja, ich bin sicher").click()
    eventually(lambda: not any(site.rows().values()))

    assert tests.popen.wait(60) == 0, tests.output


def answer(page):
    return page.locator(".answer").last


def reads(page, text):
    expect(answer(page)).to_contain_text(text, timeout=WITHIN)


def its_own_pages_are_as_they_were(page):
    """No cookie of ours, and the site's own words for what is not there."""
    page.goto("/")
    assert {it["name"] for it in page.context.cookies()} == {"portal_session", "portal_csrf"}
    missing = page.goto("/gibt-es-nicht/")
    assert missing.status == 404
    expect(page.locator("h1")).to_have_text("Hier ist nichts")
    page.goto("/rechnungen/2026-1/")
