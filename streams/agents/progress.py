"""Progress notes of a tool's call: only the newest counts, and they are written at a limited
rate.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType

from ..conf import conf
from ..text_cleaning import clean

logger = logging.getLogger(__name__)


class Progress:
    """Takes notes from any thread, and tells them from a task of its own while it is entered.

    What has not been told when it is left is dropped: the result says more.
    """

    def __init__(self, tell: Callable[[str], Awaitable[None]] | None) -> None:
        self._tell = tell
        self._last: str | None = None
        self._noted = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._telling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Progress:
        if self._tell:
            self._telling = asyncio.create_task(self._run(self._tell))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._telling:
            self._telling.cancel()
            await asyncio.wait({self._telling})
            self._telling = None

    def note(self, text: str) -> None:
        """Keeps a text until it is told, or until the next one comes."""
        if not self._tell:
            return
        most = conf().tool_progress_bytes
        told = clean(str(text)[:most])
        try:
            self._loop.call_soon_threadsafe(
                self._keep, told.encode()[:most].decode(errors="ignore")
            )
        except RuntimeError:  # a thread that outlived its worker
            return

    def _keep(self, text: str) -> None:
        self._last = text
        self._noted.set()

    async def _run(self, tell: Callable[[str], Awaitable[None]]) -> None:
        told: str | None = None
        while True:
            await self._noted.wait()
            self._noted.clear()
            if (text := self._last) is not None and text != told:
                try:
                    await tell(text)
                except Exception:
                    logger.warning("a note of a tool's progress could not be told", exc_info=True)
                told = text
                await asyncio.sleep(conf().tool_progress_every)
