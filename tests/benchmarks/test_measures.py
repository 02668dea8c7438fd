"""What is measured beside the benchmark runs on a database of its own; times are not judged."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .launch import ROOT


@pytest.mark.parametrize(
    ("module", "few", "shown"),
    [
        ("sizes", ["--answers=10", "--tokens=10"], "3 times as many answers"),
        ("search", ["--people=2", "--messages=400", "--searches=20"], "400 messages of 2 people"),
    ],
)
def test_a_small_measure_is_shown(module, few, shown):
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{module}", *few],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
