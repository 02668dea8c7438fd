"""The benchmark itself runs and loses nothing; its times are not judged."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .launch import ROOT

pytestmark = pytest.mark.early


def test_a_tiny_benchmark_loses_nothing(tmp_path):
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "manage.py", "benchmark", "--tiny", "--peers", "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    workloads = json.loads(file.read_text())["workloads"]
    new = workloads["new"]["ours"]
    assert (new["read"], new["refusals"]) == (new["rows"], 0) == (5 * 15, 0)
    assert new["stall_ms"].keys() == {"web", "worker"}
    peers = workloads["new"]["peers"]
    assert peers.keys() == {"resumable-stream", "nchan"}
    assert all(
        f"{name} is not measured: {it['missing']}." in done.stdout
        for name, it in peers.items()
        if "missing" in it
    )
    few = workloads["few"]["ours"]
    assert few["read"] == 2 * few["rows"] == 2 * 5 * 15
    assert few["late_ms"]["p99"] > 0
    assert "floor" in done.stdout
    assert workloads["cancel"]["not_closed"] == 0
