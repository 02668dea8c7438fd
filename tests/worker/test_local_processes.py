"""A worker finds out which processes of its machine have ended."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from streams.worker.local_processes import is_gone, process_identity
from tests.processes import eventually

PLACE = process_identity().rpartition("/")[0]


@pytest.fixture
def sleeper():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield child
    child.kill()
    child.communicate()


def test_a_process_has_gone_when_it_ended_whether_or_not_anybody_looked(sleeper):
    name = f"{PLACE}/{sleeper.pid}"
    assert not is_gone(name)
    sleeper.kill()
    eventually(lambda: is_gone(name))  # still in the table of processes
    sleeper.wait()
    assert is_gone(name)


def test_this_process_and_another_users_are_there():
    assert not is_gone(process_identity())
    assert not is_gone(f"{PLACE}/1")


@pytest.mark.parametrize("name", ["", "another boot/4026531836/999999", "999999"])
def test_of_a_process_elsewhere_nothing_is_known(name):
    assert not is_gone(name)


def test_a_machine_that_does_not_name_its_boots_has_no_siblings(monkeypatch):
    monkeypatch.setattr("streams.worker.local_processes.BOOT", "/proc/nothing")
    assert process_identity() == ""
    assert not is_gone(f"{PLACE}/{os.getpid()}")


def test_another_namespaces_table_of_processes_is_not_believed(monkeypatch):
    """Its numbers are not ours: as in a container that sees the /proc around it."""
    monkeypatch.setattr("os.readlink", lambda path: "1" if path == "/proc/self" else path)
    assert process_identity() == ""
