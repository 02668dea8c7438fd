"""Options and fixtures of all tests."""

from __future__ import annotations

import gc
import os
import warnings

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import TransactionTestCase
from hypothesis import settings

from streams.gc_freeze import freeze_startup_objects
from streams.providers import llama
from streams.worker import process

from . import migrated_data, table_cleanup
from . import wheel as wheels
from .factories import ConversationFactory, DeviceFactory, UserFactory
from .fake_provider import Obedient
from .processes import eventually
from .shared_folders import collect, made_once

TransactionTestCase._fixture_teardown = table_cleanup.empty

pytest_plugins = ["streams.pytest_plugin"]  # as the wheel has it; a checkout is not installed

# In CI the same examples every time: a change that fails there fails for its own sake.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "here")


def pytest_addoption(parser):
    parser.addoption("--chaos-seconds", type=float, default=9, help="how long the storm lasts")
    parser.addoption("--chaos-seed", type=int, default=1, help="which storm")
    parser.addoption("--races", type=int, help="how often each race is run; few times by default")
    parser.addoption("--reloads", type=int, default=8, help="how often a page is loaded again")
    parser.addoption("--smooth", action="store_true", help="measure a long answer on a slow device")
    parser.addoption("--earlier-clients", action="store_true", help="judge by ai 6 beside ai 7")
    parser.addoption("--kills", type=int, default=1, help="how often a client loses its server")
    parser.addoption("--requests", type=int, default=4, help="how many of each kind the API gets")
    parser.addoption("--examples", type=int, default=8, help="how many random logs are modelled")


def how_often(test):
    """Returns how often a test is run: as the option says, or else its mark; None
    without either.
    """
    mark = test.get_closest_marker("races")
    return mark and (test.config.getoption("--races") or mark.args[0])


def pytest_collection_modifyitems(items):
    """Puts tests that mostly wait first, while others keep the processor busy: at the end nothing
    would run beside them."""
    items.sort(key=lambda test: test.get_closest_marker("early") is None)
    for test in items:
        if times := how_often(test):
            test.add_marker(pytest.mark.timeout(120 + 3 * times))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is imported and collected stays, and looking through it again and again for garbage
    would take every process three seconds of a core."""
    gc.disable()
    try:
        return (yield)
    finally:
        freeze_startup_objects()
        gc.enable()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Names who is still connected at the end: PostgreSQL drops no database under anybody."""
    yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql" and who_is_left():
            gc.unfreeze()
            gc.collect()  # what belonged to a cancelled task is closed
            try:
                eventually(lambda: not who_is_left(), within=10)
            except AssertionError:
                warnings.warn(f"connections that a test has left: {who_is_left()}", stacklevel=1)


def who_is_left():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT application_name, backend_start::text, query FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return cursor.fetchall()


@pytest.fixture
def races(request):
    """How often a race is run."""
    return how_often(request.node)


@pytest.fixture
def anna(db):
    return UserFactory(username="anna")


@pytest.fixture
def bert(db):
    return UserFactory(username="bert")


@pytest.fixture
def laptop(anna):
    return DeviceFactory(user=anna, name="Laptop", kind="computer")


@pytest.fixture
def phone(anna):
    return DeviceFactory(user=anna, name="Phone", kind="phone")


@pytest.fixture
def conversation(anna):
    return ConversationFactory(owner=anna)


@pytest.fixture
async def other_half():
    """sync_to_async works in a thread of its own, whose connection nobody else closes."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
async def model(monkeypatch, other_half):
    """The model that every worker in this process asks, whatever a conversation names."""
    provider = Obedient()
    monkeypatch.setattr(process, "resolve", lambda name: (provider, name))
    return provider


@pytest.fixture(scope="session")
def llama_url():
    """The real local model, one for all tests."""
    with llama.Server() as server:
        yield server.url


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory, worker_id):
    """A folder that all processes of this run know."""
    alone = worker_id == "master"
    return tmp_path_factory.mktemp("shared") if alone else tmp_path_factory.getbasetemp().parent


@pytest.fixture(scope="session")
def wheel(whole_run):
    """The path of the wheel that others install; `tests.wheel.Environment` installs it."""
    (made,) = made_once(whole_run / "wheel", wheels.build).glob("*.whl")
    return made


@pytest.fixture(scope="session")
def static_root(whole_run):
    """The folder of static files as a server has them, which nobody may change."""
    return made_once(whole_run / "static", collect)


@pytest.fixture(scope="session")
def migrated(whole_run):
    """A folder of data for `migrated_data.copy`."""
    return made_once(whole_run / "migrated", migrated_data.migrate)


@pytest.fixture
def settled(transactional_db):
    """A process that outlives the test has done what it was asked before the tables are emptied:
    TRUNCATE and a request that is still under way lock them in different orders."""
    yield
    eventually(nobody_has_asked)


def nobody_has_asked():
    """Tells whether no request has been under way for a while; one is many statements, with nothing
    open in between.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_and(state = 'idle' AND clock_timestamp() - state_change > '0.2 s')"
            " FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return cursor.fetchone()[0] is not False


@pytest.fixture
def spawn(transactional_db):
    """Start processes of ours; whatever still runs at the end is stopped."""
    started = []

    def start(kind, *arguments, **environment):
        process = kind(*arguments, **environment)
        started.append(process)
        return process

    yield start
    for each in started:
        each.end()
