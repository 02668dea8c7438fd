"""Folders that processes of one run of the tests share: made once, and only read from then on."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.test import override_settings


def made_once(folder: Path, make: Callable[[Path], Any]) -> Path:
    """Returns `folder` once `make`, here or in another process, has filled it without a fault."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            half_made = folder.with_suffix(".new")
            half_made.mkdir(exist_ok=True)
            make(half_made)
            half_made.rename(folder)
    return folder


def as_deployed(root: Path | str) -> dict[str, Any]:
    """Returns settings of a server whose static files in `root` carry a hash in their names."""
    files = {"staticfiles": {"BACKEND": "chatstream.storage.StaticFiles"}}
    return {"STATIC_ROOT": str(root), "STORAGES": settings.STORAGES | files}


def collect(root: Path) -> None:
    """Collects all static files into `root`."""
    with override_settings(**as_deployed(root)):
        call_command("collectstatic", interactive=False, verbosity=0)
