"""Runs the server of a data folder while its parent process lives, and reports to the parent."""

from __future__ import annotations

import select
import signal
import sys
from pathlib import Path

from . import EmbeddedPostgresError, is_running, join, url


def main(folder: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server = join(folder)
    except EmbeddedPostgresError as error:
        print(f"failed {error}", flush=True)
        sys.exit(1)
    print(f"ready {url(server.get_uri())}", flush=True)
    while is_running(server.get_pid()):
        # Readable means closed: whoever started us is gone.
        if select.select([0], [], [], 1)[0]:
            sys.exit(0)
    sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
