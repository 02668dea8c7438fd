"""What tests start ends with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.processes import eventually

STARTS = """
import os, signal, sys, time
from tests.forked_processes import Forked
started = [Forked(["-m", "http.server", "0"], os.environ, os.getcwd()) for _ in range(2)]
for each in started:
    each.stdout.readline()
os.kill(started[1].pid, signal.SIGSTOP)
print(flush=True)
time.sleep(600)
"""


def is_stopped(process):
    return process.status() == psutil.STATUS_STOPPED


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's end by signal")
def test_processes_and_the_fork_server_end_with_tests_that_are_killed():
    tests = subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE)
    assert tests.stdout
    tests.stdout.readline()
    started = psutil.Process(tests.pid).children(recursive=True)
    try:
        eventually(lambda: sum(is_stopped(each) for each in started) == 1)
        tests.kill()
        tests.wait()
        eventually(lambda: not psutil.wait_procs(started, timeout=0)[1])
    finally:
        tests.stdout.close()
        for each in started:
            if each.is_running():
                os.kill(each.pid, signal.SIGKILL)
