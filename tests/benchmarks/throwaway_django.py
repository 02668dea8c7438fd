"""Sets Django up on a PostgreSQL that lives as long as this process."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import django

from streams.postgres import embedded


def set_up() -> None:
    """Call it before models are imported."""
    folder = Path(tempfile.mkdtemp(prefix="chatstream-benchmark-"))
    os.environ["DATABASE_URL"] = embedded.start(folder, throwaway=True)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
