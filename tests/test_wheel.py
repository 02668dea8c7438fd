"""What others install: the app, its pages and files, and nothing of this repository."""

from __future__ import annotations

import subprocess
import zipfile

from .wheel import ROOT


def tracked(*folders: str) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(listed.stdout.split())


def test_the_wheel_holds_the_app_with_its_pages_and_files_and_nothing_else(wheel):
    pages = tracked("templates/streams", "templates/admin/streams", "static/streams")
    wanted = tracked("streams") | {f"streams/{path}" for path in pages}

    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert held == wanted
    assert {"streams/py.typed", "streams/migrations/0001_initial.py"} <= held
