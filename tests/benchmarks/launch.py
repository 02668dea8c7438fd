"""Entry point of `manage.py benchmark`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent.parent


def launch(arguments: list[str]) -> NoReturn:
    """Runs the benchmark in a fresh interpreter, since Django's settings are read already and name
    no database.
    """
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "tests.benchmarks", *arguments])
