"""Starts and stops the processes of `manage.py dev` in their order."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from streams.conf import UNLIMITED

from . import environment
from .child import Child, NotStarted, Say
from .demo_files import furnished
from .prepare import DEMO, prepare

LEASH = "chatstream.dev.exit_with_parent"
DRAIN = 2
READY_WITHIN = 60.0


class Household:
    """Children in the order they were started; the youngest leaves first, PostgreSQL last."""

    def __init__(self, listening: socket.socket, folder: Path, say: Say) -> None:
        self.listening = listening
        self.folder = folder
        here = Path.cwd()
        self.shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
        self.say = say
        self.children: list[Child] = []
        self.environment: dict[str, str] = dict(os.environ)
        self.leaving = asyncio.Event()

    async def run(self) -> None:
        """Live until a signal. Raises NotStarted when something essential cannot start."""
        with signals(self.leave):
            starting = asyncio.create_task(self.start())
            asked = asyncio.create_task(self.asked_to_leave())
            try:
                await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
                if starting.done():
                    starting.result()
                    await asked
                self.say("", "Stopping…")
            finally:
                starting.cancel()
                asked.cancel()
                await self.stop()

    def leave(self) -> None:
        """A second signal is impatience: who has not left yet is killed, PostgreSQL excepted."""
        if self.leaving.is_set():
            for child in self.children:
                if child.name != "PostgreSQL":
                    child.kill()
        self.leaving.set()

    async def asked_to_leave(self) -> None:
        """Waits for a signal, or for the end of the `uv run` that started this process."""
        parent = os.getppid() if under_uv() else None
        while not self.leaving.is_set() and parent in (None, os.getppid()):
            try:
                await asyncio.wait_for(self.leaving.wait(), 1)
            except TimeoutError:
                continue

    async def start(self) -> None:
        url = await self.start_postgresql()
        self.environment |= {
            "DJANGO_SETTINGS_MODULE": "chatstream.settings",
            "DATABASE_URL": url,
            "SECRET_KEY": self.secret_key(),
            "DEBUG": os.environ.get("DEBUG") or "1",
            "LOG_LEVEL": os.environ.get("LOG_LEVEL") or "WARNING",
            "DEMO_FOLDER": os.environ.get("DEMO_FOLDER") or furnished(self.folder),
            "ATTACHMENTS_FOLDER": os.environ.get("ATTACHMENTS_FOLDER")
            or str(self.folder.resolve() / "attachments"),
            "STREAMS": unlimited(os.environ.get("STREAMS")),
            "ALLOWED_HOSTS": os.environ.get("ALLOWED_HOSTS") or self.allowed_hosts(),
        }
        own = "DATABASE_URL" in environment.stand_ins
        model = asyncio.create_task(self.start_model())
        try:
            made = partial(prepare, own=own, alone=self.alone, secret=self.secret_key())
            password = await asyncio.to_thread(made, url, self.say)
            await model
        finally:
            model.cancel()
        await self.start_worker()
        await self.start_web()
        who = f"  Sign in as {DEMO}, password {password}." if password else ""
        self.say("", f"\nchatstream is at {self.address()}{who}  Ctrl-C stops it.")

    async def start_postgresql(self) -> str:
        if "DATABASE_URL" not in environment.stand_ins:
            self.say("PostgreSQL", "the one DATABASE_URL names")
            return os.environ["DATABASE_URL"]
        self.say("PostgreSQL", f"starting in {self.shown}")
        child = self.add("PostgreSQL", "streams.postgres.embedded", str(self.folder), patience=20)
        return await child.start()

    async def start_model(self) -> None:
        if os.environ.get("LOCAL_MODEL_URL"):
            return self.say("Model", f"the one at {os.environ['LOCAL_MODEL_URL']}")
        self.say("Model", "loading SmolLM2 135M")
        arguments = ["streams.providers.llama", "--leash", "--port"]
        child = self.add("Model", *arguments, "0")
        try:
            url = await child.start()
        except NotStarted as error:
            self.children.remove(child)
            return self.say("Model", f"{error} Going on without it.")
        # The address is known to the others by now: the same port when it starts again.
        child.arguments = [*arguments, url.rpartition(":")[2]]
        self.environment["LOCAL_MODEL_URL"] = url
        return self.say("Model", "ready")

    async def start_worker(self) -> None:
        arguments = ["django", "runworker", "--drain", str(DRAIN)]
        child = self.add("Worker", LEASH, *arguments, speaks=False, patience=DRAIN + 5)
        await child.start()
        self.say("Worker", f"started{child.pid}")

    async def start_web(self) -> None:
        # The socket is ours and outlives the process: while it is started again, requests wait.
        descriptor = self.listening.fileno()
        arguments = [
            *(LEASH, "uvicorn", "chatstream.asgi:application", "--fd", str(descriptor)),
            *("--loop", "uvloop", "--http", "httptools", "--no-access-log"),
            *("--log-level", "warning", "--timeout-graceful-shutdown", "3"),
        ]
        child = self.add("Web", *arguments, speaks=False, descriptors=[descriptor])
        await child.start()
        await self.answered(child)
        self.say("Web", f"ready{child.pid}")

    async def answered(self, child: Child) -> None:
        """Until the first answer. Raises NotStarted when the process dies before."""
        assert child.process is not None
        asking = asyncio.create_task(ask(self.listening))
        dying = asyncio.create_task(child.process.wait())
        await asyncio.wait(
            {asking, dying}, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED
        )
        answered = asking.done() and asking.result()
        asking.cancel()
        dying.cancel()
        if not answered:
            raise NotStarted("The web process did not start; its own words are above.")

    def add(
        self,
        name: str,
        *arguments: str,
        speaks: bool = True,
        descriptors: list[int] | None = None,
        patience: float = 5.0,
    ) -> Child:
        child = Child(
            name,
            arguments,
            self.say,
            speaks=speaks,
            environment=self.environment,
            descriptors=descriptors or (),
            patience=patience,
        )
        self.children.append(child)
        return child

    async def stop(self) -> None:
        self.listening.close()
        for child in reversed(self.children):
            await child.stop()

    def secret_key(self) -> str:
        if "SECRET_KEY" in environment.stand_ins:
            return environment.secret_key(self.folder)
        return os.environ["SECRET_KEY"]

    def address(self) -> str:
        host, port = self.listening.getsockname()[:2]
        shown = own_address() if host in ("0.0.0.0", "::") else host
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"

    def allowed_hosts(self) -> str:
        return "localhost,127.0.0.1,[::1]" if self.alone else "*"

    @property
    def alone(self) -> bool:
        """Tells whether only this computer can reach the address."""
        return self.listening.getsockname()[0] in ("127.0.0.1", "::1")


def own_address() -> str:
    """Returns the address at which others find this computer; nothing is sent to learn it."""
    with suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as way:
        way.connect(("192.0.2.1", 9))
        return str(way.getsockname()[0])
    return socket.gethostname()


@contextmanager
def signals(leave: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, leave)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def under_uv() -> bool:
    try:
        return Path(f"/proc/{os.getppid()}/comm").read_text().strip() == "uv"
    except OSError:
        return False


async def ask(listening: socket.socket) -> bool:
    """Tells whether the server answers a request."""
    host, port = listening.getsockname()[:2]
    try:
        reader, writer = await asyncio.open_connection(
            {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port
        )
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        line = await reader.readline()
        writer.close()
    except OSError:
        return False
    return bool(line)


def unlimited(given: str | None) -> str:
    """Returns settings without limits on streams and runs, unless the environment has some."""
    return json.dumps(UNLIMITED | (json.loads(given) if given else {}))
