"""Collects what can be translated: `uv run python -m tests.translations` brings `streams/locale` up
to date, and compiles it.

The pages and scripts of the app lie beside it in the repository, and inside it in the wheel.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "streams"
LOCALE = APP / "locale"
DOMAINS = ("django", "djangojs")
LANGUAGES = ("de",)


def collect(place: Path) -> Path:
    """The catalogues as `makemessages` would leave them, below `place`; nothing is written here.

    Needs GNU gettext.
    """
    source = place / "source"
    unwanted = shutil.ignore_patterns("migrations", "__pycache__")
    shutil.copytree(APP, source, ignore=unwanted)
    shutil.copytree(ROOT / "templates" / "streams", source / "templates" / "streams")
    shutil.copytree(ROOT / "templates" / "admin", source / "templates" / "admin")
    shutil.copytree(ROOT / "static" / "streams" / "js", source / "static" / "js")
    languages = [f"--locale={language}" for language in LANGUAGES]
    bare = {name: it for name, it in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    for domain in DOMAINS:
        command = [sys.executable, "-m", "django", "makemessages", f"--domain={domain}"]
        options = ["--no-location", "--no-obsolete", "--no-wrap"]
        subprocess.run([*command, *options, *languages], cwd=source, env=bare, check=True)
    return source / "locale"


def update() -> None:
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(collect(Path(place)), LOCALE, dirs_exist_ok=True)
    for catalogue in LOCALE.rglob("*.po"):
        compiled = catalogue.with_suffix(".mo")
        subprocess.run(["msgfmt", "--check", "-o", compiled, catalogue], check=True)


if __name__ == "__main__":
    update()
