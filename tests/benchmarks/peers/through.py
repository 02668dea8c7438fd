"""Others that do the same work, on the same machine in the same run: `--peers`.

Each is one process of ours around a published package, which must be at hand. It takes a prompt by
POST and shows the answer at the address that it tells. None of them
stores a token: who comes back after its processes have gone finds nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.judges import clients

from ..measure import Figures, Load, observed
from ..processes import House

HERE = Path(__file__).parent
MODULE = os.environ.get("NCHAN_MODULE", "/usr/lib/nginx/modules/ngx_nchan_module.so")


def resumable_stream() -> list[str] | str:
    """Returns its command, or what is missing for it."""
    place = clients.folder() / "resumable-stream"
    if not (place / "node_modules").exists():
        return "no npm package: `uv run python -m tests.benchmarks.peers` installs it"
    if not shutil.which("redis-server"):
        return "no redis-server: a package of Debian's"
    return ["node", str(HERE / "resumable_stream.mjs"), str(place)]


def nchan() -> list[str] | str:
    if not shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"):
        return "no nginx: a package of Debian's"
    if not Path(MODULE).exists():
        return f"no {MODULE}: Debian's libnginx-mod-nchan, or NCHAN_MODULE says where it is"
    return [sys.executable, "-m", "tests.benchmarks.peers.nchan", MODULE]


PEERS = {"resumable-stream": resumable_stream, "nchan": nchan}


def through_peers(house: House, load: Load) -> Mapping[str, Figures]:
    """Measures a load through each peer, or says why a peer is not at hand."""
    figures: dict[str, Figures] = {}
    for name, peer in PEERS.items():
        command = peer()
        if isinstance(command, str):
            figures[name] = {"missing": command}
            continue
        with house.beside(name, *command, str(house.vendor_port)) as port:
            figures[name] = through(house, load, port)
    return figures


def through(house: House, load: Load, port: int) -> Figures:
    where: dict[str, Any] = {"port": port}
    plan = {
        "streams": [where | {"path": "", "opened_by": "its prompt"}] * load.streams,
        "posts": [
            where
            | {
                "path": "/c/",
                "body": {"content": f"peer {n}", "model": load.model},
                "at": load.at(n),
                "stream": n,
            }
            for n in range(load.streams)
        ],
        "wait": "end",
        "patience": load.patience,
    }
    figures = observed(house, plan)
    return figures | {"lost": load.streams * load.count - figures["read"]}
