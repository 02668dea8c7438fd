"""The app in a site whose people, keys, names and databases are of another kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.early
ROOT = Path(__file__).resolve().parent.parent


def test_a_person_of_another_site_signs_in_asks_reads_stops_and_is_deleted():
    """The settings are another process's: see `custom_user_site/journey.py`."""
    journey = [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/custom_user_site/journey.py"]
    done = subprocess.run(
        [*journey, "--ds", "tests.custom_user_site.settings"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
