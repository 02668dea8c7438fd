"""Runs the workloads one after the other, shows a table and keeps the figures."""

from __future__ import annotations

import json
import os
import resource
import secrets
import signal
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import django

from streams.conf import UNLIMITED
from streams.postgres import embedded

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    options = parser().parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(mkdtemp(prefix="chatstream-benchmark-"))
    os.environ |= surroundings(folder)
    django.setup()
    from django.core.management import call_command

    prepare(call_command)
    from .report import as_text, lost
    from .workloads import SCALE, TINY, WORKLOADS

    chosen = TINY if options.tiny else WORKLOADS | SCALE
    if unknown := set(options.only or ()) - set(chosen):
        sys.exit(f"No workload {', '.join(sorted(unknown))}; there are {', '.join(chosen)}.")
    figures = measured(options, folder, {name: chosen[name] for name in options.only or chosen})
    print(as_text(figures))
    return 1 if lost(figures) else 0


def parser() -> ArgumentParser:
    made = ArgumentParser(prog="manage.py benchmark")
    add_arguments(made)
    return made


def add_arguments(to: ArgumentParser) -> None:
    to.add_argument("--only", nargs="+", help="these workloads alone")
    to.add_argument("--tiny", action="store_true", help="seconds instead of minutes")
    to.add_argument("--json", type=Path, help="write all figures to this file")
    to.add_argument("--peers", action="store_true", help="new chats through others too")
    to.add_argument("--webs", type=int, default=1, help="web processes")
    to.add_argument("--workers", type=int, default=1, help="worker processes")


def surroundings(folder: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": embedded.start(folder, throwaway=True),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DJANGO_SETTINGS_MODULE": "chatstream.settings",
        "STREAMS": json.dumps(UNLIMITED | json.loads(os.environ.get("STREAMS") or "{}")),
        "PYTHONDONTWRITEBYTECODE": "",  # a deployment has compiled its modules
    }


def prepare(call_command: Any) -> None:
    """Tables and static files as a deployment has them."""
    call_command("migrate", verbosity=0)
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"]
    subprocess.run(collect, cwd=ROOT, env=environment, check=True)


def measured(options: Any, folder: Path, workloads: dict[str, Any]) -> dict[str, Any]:
    """Each workload has processes of its own, unless their start would be most of the work."""
    from .processes import House
    from .report import machine
    from .workloads import SCALE

    figures: dict[str, Any] = {"machine": machine(options), "workloads": {}}
    for names in [list(workloads)] if options.tiny else [[name] for name in workloads]:
        with House(folder) as house:
            if not SCALE.keys() & names:
                house.start(options.webs, options.workers)
            for name in names:
                print(f"{name} …", file=sys.stderr, flush=True)
                house.peers = options.peers
                figures["workloads"][name] = workloads[name](house)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return figures


if __name__ == "__main__":
    sys.exit(main())
