"""Collects what can be translated: `uv run python -m tests.translations` brings the catalogues of
the app and of the project up to date, and compiles them.

The pages and scripts of the app lie beside it in the repository, and inside it in the wheel.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("de",)
PAGES = ROOT / "templates"


class Catalogue(NamedTuple):
    """The words of one Django app, in one domain, and where they stand."""

    app: str
    domain: str

    @property
    def locale(self) -> Path:
        return ROOT / self.app / "locale"

    def sources(self) -> Iterator[tuple[Path, str]]:
        """Files beside the app, and their places below it."""
        if self.app == "streams":
            yield PAGES / "streams", "templates/streams"
            yield PAGES / "admin", "templates/admin"
            yield ROOT / "static" / "streams" / "js", "static/js"
        else:
            yield PAGES / "chatstream", "templates/chatstream"
            for page in PAGES.glob("*.html"):
                yield page, f"templates/{page.name}"

    def collect(self, place: Path) -> Path:
        """The catalogue as `makemessages` would leave it, below `place`; nothing is written here.

        Needs GNU gettext.
        """
        source = place / f"{self.app}-{self.domain}"
        unwanted = shutil.ignore_patterns("migrations", "__pycache__")
        shutil.copytree(ROOT / self.app, source, ignore=unwanted)
        for path, below in self.sources():
            copy = shutil.copytree if path.is_dir() else shutil.copy
            (source / below).parent.mkdir(parents=True, exist_ok=True)
            copy(path, source / below)
        (source / "locale").mkdir(exist_ok=True)
        languages = [f"--locale={language}" for language in LANGUAGES]
        bare = {name: it for name, it in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        command = [sys.executable, "-m", "django", "makemessages", f"--domain={self.domain}"]
        options = ["--no-location", "--no-obsolete", "--no-wrap"]
        subprocess.run([*command, *options, *languages], cwd=source, env=bare, check=True)
        return source / "locale"


CATALOGUES = (
    Catalogue("streams", "django"),
    Catalogue("streams", "djangojs"),
    Catalogue("chatstream", "django"),
)


def update() -> None:
    for each in CATALOGUES:
        with tempfile.TemporaryDirectory() as place:
            shutil.copytree(each.collect(Path(place)), each.locale, dirs_exist_ok=True)
        for catalogue in each.locale.rglob("*.po"):
            compiled = catalogue.with_suffix(".mo")
            subprocess.run(["msgfmt", "--check", "-o", compiled, catalogue], check=True)


if __name__ == "__main__":
    update()
