"""The wheel, built from this tree, and environments that have it and nothing of the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = os.environ.get("UV", "uv")  # `uv run` names itself

# What would lead a child process back to the repository, or into this test's environment.
OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "DJANGO_SETTINGS_MODULE")


def build(folder: Path) -> Path:
    """The wheel, made from the source distribution, which is left beside it in `folder`."""
    uv("build", "--out-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


class Environment:
    """A virtual environment in `folder` with the wheel in it, and its extras if any are named.

    Nothing is compiled: a package that has no wheel fails the installation.
    """

    def __init__(self, folder: Path, wheel: Path, *extras: str, beside: tuple[str, ...] = ()):
        self.folder = folder
        self.python = folder / "bin" / "python"
        uv("venv", "--quiet", "--python", sys.executable, str(folder))
        wanted = f"chatstream[{','.join(extras)}] @ {wheel.as_uri()}"
        uv("pip", "install", "--no-build", "--python", str(self.python), wanted, *beside)

    def run(
        self, *arguments: str, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Python in it, from a folder outside the repository; the output is text."""
        inherited = {name: value for name, value in os.environ.items() if name not in OURS}
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=cwd or self.folder,
            env=inherited | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def packages(self) -> list[str]:
        """The names of all distributions installed in it."""
        listed = uv("pip", "list", "--quiet", "--format=freeze", "--python", str(self.python))
        return [line.partition("==")[0].partition(" @")[0] for line in listed.splitlines()]


def uv(*arguments: str) -> str:
    """Run uv under the repository's own configuration, which pins the day; what it printed."""
    done = subprocess.run([UV, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
