"""`python -m chatstream.dev.exit_with_parent MODULE …`: a module that ends when its parent does.

The kernel closes the pipe on standard input however the parent dies, SIGKILL included, and
on every Unix; the module then gets the SIGTERM it knows how to handle.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from threading import Thread


def main() -> None:
    # Ctrl-C reaches the whole terminal; the parent decides who leaves when.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.argv = sys.argv[1:]
    Thread(target=leave_with_parent, daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def leave_with_parent() -> None:
    # Not sys.stdin: a buffered read that is under way breaks the interpreter's own exit.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
