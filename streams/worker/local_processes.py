"""Detects that the process of a worker on this machine has ended, without waiting for its lease.

On another machine a silent worker may be alive behind a broken network, and only its lease tells.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

BOOT = "/proc/sys/kernel/random/boot_id"


def process_identity() -> str:
    """Returns this boot of this machine, its pid namespace, and this process in it.

    Empty where that is unknown, as on anything but Linux; then only leases tell.
    """
    try:
        if os.readlink("/proc/self") != str(os.getpid()):
            return ""  # another namespace's /proc: its numbers are not ours
        boot = Path(BOOT).read_text().strip()
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return ""
    return f"{boot}/{namespace}/{os.getpid()}"


def is_gone(process: str) -> bool:
    """Tells whether that process has certainly ended; False for a process of another machine."""
    place, _, pid = process.rpartition("/")
    if not place or place != process_identity().rpartition("/")[0]:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return is_zombie(int(pid))


def is_zombie(pid: int) -> bool:
    """Tells whether the process has ended but was not yet waited for by its parent."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False
