"""One child process of `manage.py dev`: starts it, prints its output, restarts it when it dies,
stops it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence

from .environment import BASE_DIR

READY = "ready "
FAILED = "failed "
BACKOFF = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
SETTLED = 30.0

Say = Callable[[str, str], None]


class NotStarted(Exception):
    """A child gave up; the message is one sentence a person can act on."""


class Child:
    """A Python module in a process of its own, on a leash: it ends when this process does.

    One that `speaks` says `ready …` or `failed …` on its standard output.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        say: Say,
        *,
        speaks: bool = False,
        environment: Mapping[str, str] | None = None,
        descriptors: Sequence[int] = (),
        patience: float = 5.0,
    ) -> None:
        self.name = name
        self.arguments = list(arguments)
        self.say = say
        self.speaks = speaks
        self.environment = environment
        self.descriptors = descriptors
        self.patience = patience
        self.process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Start, and from now on start again; what it said when it was ready.

        Raises NotStarted when it says why it cannot, or dies before it is ready.
        """
        word = await self._spawn()
        self._keeper = asyncio.create_task(self._keep())
        return word

    async def _spawn(self) -> str:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *self.arguments,
            stdin=PIPE,
            stdout=PIPE if self.speaks else None,
            cwd=BASE_DIR,
            env=self.environment,
            pass_fds=self.descriptors,
            # A session of its own: the terminal's Ctrl-C is for the parent alone.
            start_new_session=True,
        )
        return await self._ready(self.process) if self.speaks else ""

    async def _ready(self, process: Process) -> str:
        assert process.stdout is not None
        while line := (await process.stdout.readline()).decode():
            if line.startswith(READY):
                return line.removeprefix(READY).strip()
            if line.startswith(FAILED):
                raise NotStarted(line.removeprefix(FAILED).strip())
        raise NotStarted(f"{self.name} {ending(await process.wait())} while it was starting.")

    async def _keep(self) -> None:
        clock = asyncio.get_running_loop().time
        failures = 0
        while self.process is not None:
            since = clock()
            code = await self.process.wait()
            failures = 0 if clock() - since > SETTLED else failures
            delay = BACKOFF[min(failures, len(BACKOFF) - 1)]
            failures += 1
            self.say(self.name, f"{ending(code)}; starting it again in {delay:g} s")
            await asyncio.sleep(delay)
            try:
                await self._spawn()
                self.say(self.name, f"started again{self.pid}")
            except NotStarted as error:
                self.say(self.name, str(error))

    @property
    def pid(self) -> str:
        """Returns ` (pid N)`, for those who want to see what its death does."""
        return f" (pid {self.process.pid})" if self.process else ""

    async def stop(self) -> None:
        """SIGTERM, then after `patience` SIGKILL; gone when this returns."""
        self._let_go()
        if self.process is None or self.process.returncode is not None:
            return
        self._send(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), self.patience)
        except TimeoutError:
            self.kill()
            await self.process.wait()

    def kill(self) -> None:
        """Now, and for good."""
        self._let_go()
        self._send(signal.SIGKILL)

    def _let_go(self) -> None:
        if self._keeper:
            self._keeper.cancel()

    def _send(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)


def ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
