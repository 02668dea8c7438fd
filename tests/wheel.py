"""The wheel, built from this tree, and environments that have it and nothing of the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
# Most of what is installed is never imported, and what is, is compiled then.
SETTINGS = {"UV_EXCLUDE_NEWER": TOOLS["uv"]["exclude-newer"], "UV_COMPILE_BYTECODE": "0"}
UV = os.environ.get("UV", "uv")  # `uv run` names itself

# What would lead a child process back to the repository, or into this test's environment.
OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "DJANGO_SETTINGS_MODULE")


def build(folder: Path, *options: str) -> Path:
    """The wheel, made from the source distribution, which is left beside it in `folder`."""
    uv(folder, "build", "--out-dir", str(folder), *options, str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def uv(folder: Path, *arguments: str) -> str:
    """Run uv in `folder`, so that nothing of the repository's configuration helps, but for the day
    that it pins; what uv said."""
    done = subprocess.run(
        [UV, *arguments],
        cwd=folder,
        env=os.environ | SETTINGS,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def with_extras(wheel: Path, *extras: str) -> str:
    """Returns what to install, as `pip install` takes it."""
    return f"chatstream[{','.join(extras)}] @ {wheel.as_uri()}"


def inherited() -> dict[str, str]:
    """This process's variables, without those that lead back to the repository."""
    return {name: value for name, value in os.environ.items() if name not in OURS}


class Environment:
    """A virtual environment in `folder` with the wheel in it, and its extras if any are named.

    Nothing is compiled: a package that has no wheel fails the installation.
    """

    def __init__(self, folder: Path, wheel: Path, *extras: str, beside: tuple[str, ...] = ()):
        self.folder = folder
        self.python = folder / "bin" / "python"
        uv(folder.parent, "venv", "--python", sys.executable, str(folder))
        self.pip("install", "--no-build", with_extras(wheel, *extras), *beside)

    def pip(self, command: str, *arguments: str) -> str:
        """Run a command of `uv pip` for it; what it said."""
        return uv(self.folder, "pip", command, "--python", str(self.python), *arguments)

    def run(
        self, *arguments: str, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Python in it, from a folder outside the repository; the output is text."""
        child = self.start(*arguments, stderr=subprocess.PIPE, cwd=cwd, **environment)
        try:
            out, error = child.communicate(timeout=150)
        finally:
            child.kill()
        return subprocess.CompletedProcess(child.args, child.returncode, out, error)

    def start(
        self,
        *arguments: str,
        stderr: int = subprocess.STDOUT,
        cwd: Path | None = None,
        **environment: str,
    ) -> subprocess.Popen[str]:
        """Starts a command as `run` does and returns at once; the caller has to end it."""
        return subprocess.Popen(
            [str(self.python), *arguments],
            cwd=cwd or self.folder,
            env=inherited() | environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def packages(self) -> list[str]:
        """The names of all distributions installed in it."""
        return [each["name"] for each in json.loads(self.pip("list", "--quiet", "--format=json"))]
