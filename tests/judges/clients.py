"""The real clients of other protocols, pinned, installed by npm outside of the tree.

    python -m tests.judges.clients

installs them into the folder that JUDGES names, else into the user's cache.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NODE = {"node": "22.23.3"}
REACT = {"react": "19.3.1"}
CLIENTS: dict[str, dict[str, str]] = {
    "ai-6": {"ai": "6.0.326", "@ai-sdk/react": "3.0.328", **REACT},
    "ag-ui": {"@ag-ui/client": "1.0.0"},
    "openai-node": {"openai": "7.57.0", **NODE},
    "tanstack": {"@tanstack/ai-client": "0.33.2"},
    "ai-7": {"ai": "7.0.173", "@ai-sdk/react": "4.0.177", **REACT, **NODE},
}
HERE = Path(__file__).parent


def folder() -> Path:
    given = os.environ.get("JUDGES")
    return Path(given) if given else Path.home() / ".cache" / "chatstream-judges"


def install() -> None:
    """Installs what is missing, each client in a folder of its own."""
    for name, packages in CLIENTS.items():
        place = folder() / name
        wanted = json.dumps({"private": True, "dependencies": packages})
        manifest = place / "package.json"
        if manifest.exists() and manifest.read_text() == wanted:
            continue
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        fresh = place / "package.json.new"
        (place / "package.json").write_text(wanted)
        if "node" in packages:  # npm chooses by the Node it runs on
            own = json.dumps({"private": True, "dependencies": NODE})
            (place / "package.json").write_text(own)
            npm(place)
            (place / "package.json").write_text(wanted)
        try:
            npm(place)
        except BaseException:
            manifest.unlink()
            raise
        fresh.unlink(missing_ok=True)


def npm(place: Path) -> None:
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=place, env=environment(place), check=True)


def environment(place: Path) -> dict[str, str]:
    """Puts the client's own Node first, where it has one."""
    own = place / "node_modules" / "node" / "bin"
    return os.environ | {"PATH": f"{own}:{os.environ['PATH']}"}


def judge(client: str, script: str, *arguments: str, within: float = 120) -> Any:
    """Runs a script of this folder with the client beside it; returns the JSON it prints last.

    Without the client the test is skipped, or under `.ci/run` fails.
    """
    place = folder() / client
    if not (place / "node_modules").exists():
        how = f"There is no {client}: `uv run python -m tests.judges.clients` installs it."
        pytest.fail(how) if os.environ.get("CI") == "true" else pytest.skip(how)
    # Node finds packages from where a script lies.
    copy = place / f"{os.getpid()}-{Path(script).name}"
    copy.write_text((HERE / script).read_text())
    try:
        ran = subprocess.run(
            ["node", copy.name, *arguments],
            cwd=place,
            env=environment(place),
            capture_output=True,
            text=True,
            timeout=within,
        )
    finally:
        copy.unlink()
    assert ran.returncode == 0, ran.stderr or ran.stdout
    return json.loads(ran.stdout.splitlines()[-1])


def passed(told: dict[str, str], at_least: int) -> None:
    """Fails with what each check that failed has said."""
    wrong = [f"{name}: {said}" for name, said in told.items() if said != "ok"]
    if wrong:
        pytest.fail("\n\n".join(wrong), pytrace=False)
    assert len(told) >= at_least


if __name__ == "__main__":
    install()
