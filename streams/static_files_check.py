"""Detects that static files were not collected, which would make every page an error."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage

COLLECT = "Run `manage.py collectstatic`, and start this process again."


def uncollected() -> str:
    """Returns a sentence if none were collected, or "" if they were or names carry no hash."""
    if isinstance(staticfiles_storage, ManifestFilesMixin) and not staticfiles_storage.hashed_files:
        return f"The static files were not collected, so no page can be shown. {COLLECT}"
    return ""


def stale() -> str:
    """Like `uncollected`, and also finds files that changed since; reads every folder."""
    if not isinstance(staticfiles_storage, ManifestFilesMixin):
        return ""
    collected = staticfiles_storage.hashed_files
    left_out: Any = getattr(apps.get_app_config("staticfiles"), "ignore_patterns", [])
    there = (path.replace("\\", "/") for it in get_finders() for path, _ in it.list(left_out))
    missing = sorted(set(there) - collected.keys())
    if not missing:
        return ""
    return f"{len(missing)} static files were not collected, such as {missing[0]}. {COLLECT}"
