"""Answers that go on at their service without us: kept by id, continued, and stopped there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from psycopg import AsyncConnection

from ..agents.deadline import contained
from ..providers.base import Background, Prompt, Provider
from .claimed_run import Claimed
from .lease import Lease, LeaseLost

logger = logging.getLogger(__name__)

Persist = Callable[[Callable[[AsyncConnection], Awaitable[Any]]], Awaitable[Any]]

CANCEL_WITHIN = 10.0  # seconds to reach a service that is to stop
TRIES = 3

# The conversation's row first, judged on its newest version: a worker that has lost its lease
# keeps nothing.
KEEP = """
WITH held AS (
    SELECT id FROM streams_conversation WHERE id = %(conversation)s AND lease_token = %(token)s
       FOR NO KEY UPDATE
)
UPDATE streams_run r SET upstream = %(upstream)s
  FROM held WHERE r.id = %(run)s AND r.conversation_id = held.id
"""

FORGET = "UPDATE streams_run SET upstream = '' WHERE id = %(run)s AND upstream = %(upstream)s"


class UpstreamAnswer:
    """The answer of one run that goes on at its service. Its id is committed with a mark of what
    was asked: another question is not answered by it.
    """

    def __init__(self, run: Claimed, lease: Lease, persist: Persist) -> None:
        self._run = run
        self._lease = lease
        self._persist = persist
        self._id = ""  # of one under way
        self._asked = ""

    async def continued(self, prompt: Prompt) -> Prompt:
        """Returns the prompt with the id of the answer that was begun for it, if there is one. The
        first attempt at a run asks nobody for it.
        """
        mark = mark_of(prompt)
        if self._id and self._asked == mark:
            return replace(prompt, upstream=self._id)
        if self._run.attempt > 1:
            kept, _, upstream = (await self._persist(self._read)).partition(" ")
            if upstream and kept == mark:
                self._id, self._asked = upstream, mark
                return replace(prompt, upstream=upstream)
        return prompt

    async def is_kept(self) -> bool:
        """Tells whether an answer was begun at the service, for whatever question."""
        return bool(self._id or await self._persist(self._read))

    async def keep(self, prompt: Prompt, upstream: str) -> None:
        """Commits the id. Raises LeaseLost if the run is another worker's."""
        self._id, self._asked = upstream, mark_of(prompt)
        if not await self._persist(self._write):
            raise LeaseLost(f"run {self._run.run_id}")

    def finished(self) -> None:
        """Forgets an answer that the service has ended."""
        self._id = ""

    @property
    def goes_on(self) -> bool:
        """Tells whether the service still answers, as far as is known."""
        return bool(self._id)

    async def stop(self, provider: Provider) -> None:
        """Stops an answer under way at its service, which would go on and cost. What this does not
        stop, `left_upstream` does.
        """
        if self._id and await stopped(provider, self._id, self._run.uuid):
            known = {"run": self._run.run_id, "upstream": f"{self._asked} {self._id}"}
            await self._persist(lambda connection: connection.execute(FORGET, known))

    async def _read(self, connection: AsyncConnection) -> str:
        asking = "SELECT upstream FROM streams_run WHERE id = %s"
        row = await (await connection.execute(asking, [self._run.run_id])).fetchone()
        return str(row[0]) if row else ""

    async def _write(self, connection: AsyncConnection) -> bool:
        known = {
            "run": self._run.run_id,
            "conversation": self._run.conversation_id,
            "token": self._lease.token,
            "upstream": f"{self._asked} {self._id}",
        }
        return (await connection.execute(KEEP, known)).rowcount == 1


async def stopped(provider: Provider, upstream: str, run: str) -> bool:
    """Stops an answer at its service; tells whether nothing is left to do."""
    if not isinstance(provider, Background):
        return True
    try:
        async with asyncio.timeout(CANCEL_WITHIN):
            for number in range(TRIES):
                try:
                    await contained(provider.cancel(upstream))
                    return True
                except Exception as error:
                    logger.info("run %s: not stopped yet: %s", run, error)
                    await asyncio.sleep(2.0**number)
    except TimeoutError:
        pass
    logger.warning("run %s: its answer goes on at %s", run, provider.name)
    return False


def mark_of(prompt: Prompt) -> str:
    """Returns a mark of what is asked: the model and the turns."""
    asked = repr((prompt.model, list(prompt.turns)))
    return sha256(asked.encode(errors="replace")).hexdigest()[:32]
