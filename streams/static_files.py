"""Whether the static files were collected: without them every page is an error."""

from __future__ import annotations

from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage

COLLECT = "Run `manage.py collectstatic`, and start this process again."


def uncollected() -> str:
    """A sentence where nothing was; empty where all is well, or names carry no hash."""
    if isinstance(staticfiles_storage, ManifestFilesMixin) and not staticfiles_storage.hashed_files:
        return f"The static files were not collected, so no page can be shown. {COLLECT}"
    return ""


def stale() -> str:
    """As `uncollected`, where one that a page may name came later: reads every folder."""
    if not isinstance(staticfiles_storage, ManifestFilesMixin):
        return ""
    collected = staticfiles_storage.hashed_files
    there = (path.replace("\\", "/") for finder in get_finders() for path, _ in finder.list([]))
    missing = sorted(set(there) - collected.keys())
    if not missing:
        return ""
    return f"{len(missing)} static files were not collected, such as {missing[0]}. {COLLECT}"
