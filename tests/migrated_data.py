"""A folder of data whose PostgreSQL has all migrations: made once for all tests that want a server
of their own, since initdb and the migrations are two and a half seconds of a core each time.
"""

from __future__ import annotations

import atexit
import subprocess
from pathlib import Path

from streams.postgres import embedded

from .processes import Process


def migrate(folder: Path) -> None:
    """Fills `folder`, and leaves no server behind."""
    server = embedded.join(folder)
    try:
        url = embedded.url(server.get_uri())
        migrated = Process("manage.py", "migrate", "--verbosity", "0", DATABASE_URL=url)
        assert migrated.popen.wait(120) == 0, migrated.output
    finally:
        server.cleanup()
        atexit.unregister(server._cleanup)


def copy(migrated: Path, folder: Path) -> None:
    """Copies it into `folder` with its owner, who is PostgreSQL's own user under root."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", migrated / "postgres", folder], check=True)
