"""Calls the receivers of `streams.signals` in threads, which hold up no worker that exits."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from ...agents.tool_threads import apart_at_once
from ...api.chat import Chat
from ...api.run import Run
from ...models import Run as RunModel
from ...signals import run_ended, run_waiting

if TYPE_CHECKING:
    from .deliveries import Due

logger = logging.getLogger(__name__)

AT_ONCE = 10  # calls, mostly of receivers that did not return in time
WAITING = RunModel.Status.WAITING


class ReceiverCalls:
    """The calls under way in one worker, of which each delivery has one at most."""

    def __init__(self) -> None:
        self._running: dict[int, asyncio.Task[bool]] = {}

    def of(self, due: Due) -> asyncio.Task[bool] | None:
        """Returns a delivery's call, which tells whether all receivers returned; None while too
        many others do not return.
        """
        if call := self._running.get(due.delivery):
            return call
        if len(self._running) >= AT_ONCE:
            logger.error("run %s: too many receivers do not return", due.run_id)
            return None
        call = self._running[due.delivery] = asyncio.create_task(called(due))
        call.add_done_callback(lambda _: self._running.pop(due.delivery))
        return call


async def called(due: Due) -> bool:
    try:
        return await apart_at_once(partial(tell, due))
    except Exception:  # as when there are no more threads
        logger.exception("run %s: what became of it could not be told", due.run_id)
        return False


def tell(due: Due) -> bool:
    """Calls the receivers; tells whether all returned. Django logs those that raised."""
    known = RunModel.objects.select_related("conversation", "prompt", "answer")
    if not (run_waiting if due.status == WAITING else run_ended).has_listeners():
        return True
    try:
        run = known.filter(pk=due.run_id).first()
        if run is None:
            return True
        status = due.status or run.status
        signal = run_waiting if status == WAITING else run_ended
        answers = signal.send_robust(
            Run,
            run=Run(run),
            chat=Chat(run.conversation),
            status=status,
            delivery=due.delivery,
            attempt=due.attempt,
        )
        return not any(isinstance(answer, Exception) for _, answer in answers)
    except BaseException:  # which would end each worker in turn, or its deliveries without a word
        logger.exception("run %s: what became of it could not be told", due.run_id)
        return False
