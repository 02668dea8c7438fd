"""Runs the calls of one step, several at a time; what becomes of each is in the ledger."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from ... import log
from ...agents.calling import call as call_tool
from ...agents.tool import Tool
from ...agents.tool_context import Context
from ...supervision import cancel_and_wait
from ..claimed_run import Claimed
from ..continued_run import HeldCall
from ..held_run import HeldRun

logger = logging.getLogger(__name__)

DENIED = "The person denied this."
STOPPED = "Stopped while it ran: what it had done by then stands."
NO_TOOL = "There is no tool of this name."
STUBBORN = 5.0  # seconds a tool gets to end when it is cancelled


class ToolCalls:
    """The calls of one step. `work` runs what may run, and returns whether all have ended: if not,
    the others wait for people.

    A tool is called only once the event that says so is committed. Of a call that was running when
    its worker was lost, nobody knows whether it was done: it runs again only if it may be repeated.
    """

    def __init__(
        self,
        held: HeldRun,
        calls: list[HeldCall],
        *,
        tools: Mapping[str, Tool],
        context: Context,
        at_once: int,
        reread: Callable[[], Awaitable[list[HeldCall]]],
    ) -> None:
        self.held = held
        self.claimed = held.claimed
        self.calls = calls
        self.tools = tools
        self.context = context
        self.at_once = at_once or len(calls)
        self.decided = asyncio.Event()
        self._reread = reread
        self._left = False
        self._running: dict[asyncio.Task[None], HeldCall] = {}

    async def work(self) -> bool:
        try:
            while True:
                await self._start()
                if self._running:
                    await self._next()
                elif all(call.ended for call in self.calls):
                    return True
                elif not await self._hear():
                    return False
        finally:
            await self._leave()

    async def _leave(self) -> None:
        """Cancels what still runs, and drops what a tool that will not end may return later."""
        self._left = True
        if self._running:
            leaving = asyncio.create_task(cancel_and_wait(list(self._running)))
            await asyncio.wait({leaving}, timeout=STUBBORN)
            leaving.cancel()

    async def _start(self) -> None:
        """Starts what may run, and ends what will not."""
        busy = {call.block for call in self._running.values()}
        for call in self.calls:
            if call.ended or call.block in busy:
                continue
            if call.status == "running" and call.repeat != "safe":
                await self._end(call, "unknown", log.UNKNOWN)
            elif call.status == "denied":
                await self._end(call, "denied", denied(call))
            elif call.decision == "answered":
                await self._end(call, "ok", call.result)
            elif call.status in ("approved", "running") and len(self._running) < self.at_once:
                self._running[asyncio.create_task(self._run(call))] = call

    async def _next(self) -> None:
        """Waits for a call to end, or for a decision."""
        hearing = asyncio.create_task(self.decided.wait())
        try:
            await asyncio.wait({*self._running, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hearing.cancel()
        for task in [task for task in self._running if task.done()]:
            del self._running[task]
            task.result()
        if self.decided.is_set():
            await self._hear()

    async def _hear(self) -> bool:
        """Reads what was decided; tells whether anything was. A signal that comes while the answer
        is under way is for the next look.
        """
        self.decided.clear()
        fresh = {call.uuid: call for call in await self._reread()}
        heard = False
        for call in self.calls:
            now = fresh.get(call.uuid)
            if now and call.status == "waiting" and now.status != "waiting":
                call.status, call.decision = now.status, now.decision
                call.note, call.result = now.note, now.result
                heard = True
        return heard

    async def _run(self, call: HeldCall) -> None:
        began_to_run = log.Ledger(changed=log.CallChange(call.uuid, "running", started=True))
        await self._write(self.claimed.noted("tool.started", began_to_run, call_id=call.call_id))
        call.status = "running"
        await self.held.settle()
        call.called = True
        began = time.monotonic()
        tool = self.tools.get(call.name)
        if tool is None:
            await self._end(call, "error", NO_TOOL)
            return
        context = replace(self.context, idempotency_key=str(call.key))
        made = await call_tool(tool, context, call.arguments, self._tells(call))
        spent = round((time.monotonic() - began) * 1000)
        await self._end(call, made.status, made.text, spent)

    def _tells(self, call: HeldCall) -> Callable[[str], Awaitable[None]]:
        async def tell(text: str) -> None:
            await self._write(self.claimed.event("tool.progress", call_id=call.call_id, text=text))

        return tell

    async def _end(self, call: HeldCall, status: str, result: str, ms: int | None = None) -> None:
        await self._write(ended(self.claimed, call, status, result, ms))
        call.status, call.result, call.ended = status, result, True

    async def _write(self, event: log.NewEvent) -> None:
        if self._left:
            raise asyncio.CancelledError
        await self.held.write(event)


def ended(
    run: Claimed, call: HeldCall, status: str, result: str, ms: int | None = None
) -> log.NewEvent:
    """Makes the event that ends a call."""
    change = log.CallChange(call.uuid, status, ended=True, result=result, ms=ms)
    took = {} if ms is None else {"ms": ms}
    known = {"call_id": call.call_id, "status": status, "result": result, **took}
    return run.noted("tool.ended", log.Ledger(changed=change), **known)


def cancelled(run: Claimed, call: HeldCall) -> log.NewEvent:
    """Makes the event that ends a call with its run. What an earlier worker began, and this one did
    not begin again, may have been done.
    """
    if call.called:
        return ended(run, call, "cancelled", STOPPED)
    return ended(run, call, *log.unrun(call.begun))


def denied(call: HeldCall) -> str:
    return f"{DENIED} They wrote: {call.note}" if call.note else DENIED
