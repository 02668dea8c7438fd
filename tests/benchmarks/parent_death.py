"""Starts child processes that end when their parent has died, however it did."""

import os
import signal
import sys
import threading


def leash() -> None:
    """Standard input closes with its other end."""
    threading.Thread(target=watch, daemon=True).start()


def watch() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
