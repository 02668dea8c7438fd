"""The real clients of other protocols, pinned, installed by npm outside of the tree.

    python -m tests.judges.clients

installs them into the folder that JUDGES names, else into the user's cache.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

REACT = {"react": "19.3.1"}
PAGE = {"react-dom": "19.3.1", "jsdom": "29.1.1", "esbuild": "0.28.2"}
CLIENTS: dict[str, dict[str, str]] = {
    "node": {"node": "22.23.3"},  # the first: the others are installed and run on it
    "ag-ui": {"@ag-ui/client": "1.0.0"},
    "openai-node": {"openai": "7.57.0"},
    "tanstack": {"@tanstack/ai-client": "0.33.2"},
    "ai-6": {"ai": "6.0.326", "@ai-sdk/react": "3.0.328", **REACT},
    "ai-7": {"ai": "7.0.173", "@ai-sdk/react": "4.0.177", **REACT, **PAGE},
}
HERE = Path(__file__).parent

# Minutes of a core: a client of before is asked with `--earlier-clients` alone.
EARLIER = pytest.mark.earlier


def folder() -> Path:
    given = os.environ.get("JUDGES")
    return Path(given) if given else Path.home() / ".cache" / "chatstream-judges"


def install(wanted: Mapping[str, dict[str, str]] = CLIENTS) -> None:
    """Installs what is missing, each client in a folder of its own."""
    for name, packages in wanted.items():
        place = folder() / name
        manifest = place / "package.json"
        described = json.dumps({"private": True, "dependencies": packages})
        if manifest.exists() and manifest.read_text() == described:
            continue
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        manifest.write_text(described)
        command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            subprocess.run(command, cwd=place, env=environment(), check=True)
        except BaseException:
            manifest.unlink()
            raise


def environment() -> dict[str, str]:
    """Puts the Node that is pinned here first."""
    own = folder() / "node" / "node_modules" / "node" / "bin"
    return os.environ | {"PATH": f"{own}:{os.environ['PATH']}"}


def installed(client: str) -> Path:
    """Returns where a client is installed; without it the test is skipped, or under `.ci/run`
    fails.
    """
    place = folder() / client
    if not (place / "node_modules").exists():
        how = f"There is no {client}: `uv run python -m tests.judges.clients` installs it."
        pytest.fail(how) if os.environ.get("CI") == "true" else pytest.skip(how)
    return place


def judge(client: str, script: str, *arguments: str) -> Any:
    """Runs a script of this folder with the client beside it; returns the JSON it prints last."""
    return run_script(client, (HERE / script).read_text(), *arguments)


def run_script(
    client: str, script: str, *arguments: str, beside: Mapping[str, str] | None = None
) -> Any:
    """Runs a script with the client, and files `beside` it; returns the JSON it prints last."""
    place = installed(client)
    # Node finds packages from where a script lies.
    with tempfile.TemporaryDirectory(dir=place) as own:
        for name, text in {"script.mjs": script, **(beside or {})}.items():
            (Path(own) / name).write_text(text)
        ran = subprocess.run(
            ["node", "script.mjs", *arguments],
            cwd=own,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert ran.returncode == 0, ran.stderr or ran.stdout
    return json.loads(ran.stdout.splitlines()[-1])


def passed(told: dict[str, str], at_least: int) -> None:
    """Fails with what each check that failed has said."""
    wrong = [f"{name}: {said}" for name, said in told.items() if said != "ok"]
    if wrong:
        pytest.fail("\n\n".join(wrong), pytrace=False)
    assert len(told) >= at_least or os.environ.get("CHECK")  # some of them alone


if __name__ == "__main__":
    install()
