"""Claims plain queued runs together with their histories, by one statement; `claim` is the long way
for those that this one leaves over.

What the statement sees is of one moment, while a lock is given on what is there by then. So it
passes over each conversation whose log has grown in between; and over those in which a stop has to
be granted, or that have failed before: they are left to `claim`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple

from psycopg import AsyncConnection

from ..postgres.connections import blames_rows
from . import claim, quarantine
from .claimed_run import Claimed, rows
from .conversation_history import HISTORY, STRETCHES, known_histories

logger = logging.getLogger(__name__)


class Taken(NamedTuple):
    """Runs whose lease this worker holds now, and the JSON of their histories by their ids."""

    runs: list[Claimed]
    histories: Mapping[int, str]


FAILED_BEFORE = quarantine.FAILED_BEFORE.format(act=quarantine.Act.ANSWER)
DUE = quarantine.DUE.format(act=quarantine.Act.ANSWER)

# `seen` is the conversation as the rest of the statement sees it.
HELD = f"""
held AS (
    SELECT c.id
      FROM streams_run r JOIN streams_conversation c ON c.id = r.conversation_id
      JOIN streams_conversation seen ON seen.id = c.id AND seen.last_seq = c.last_seq
     WHERE {claim.CLAIMABLE} AND r.cancel_requested_at IS NULL AND NOT {FAILED_BEFORE}
     ORDER BY r.id LIMIT %(limit)s
       FOR NO KEY UPDATE OF c SKIP LOCKED
)"""

LEFT = f"""
SELECT EXISTS (
    SELECT FROM streams_run r JOIN streams_conversation c ON c.id = r.conversation_id
     WHERE {claim.CLAIMABLE} AND {DUE} AND c.id NOT IN (SELECT id FROM numbered)) AS others
"""

# Each in its own row, and one row at least.
STATEMENT = f"""
WITH RECURSIVE {HELD}, {claim.STARTED.format(held="IN (SELECT id FROM held)")}, asked AS (
    SELECT run.id AS run_id, run.conversation_id, prompt.seq AS prompt_seq
      FROM run JOIN streams_message prompt ON prompt.id = run.prompt_id
), {STRETCHES}
SELECT {claim.SHOWN}, {HISTORY} AS history, rest.others
  FROM ({LEFT}) AS rest
  LEFT JOIN ({claim.RUNS} JOIN asked ON asked.run_id = run.id) ON true
"""


class Claims:
    """A worker's claims. One that left something over is followed by one of two statements, whose
    second sees what the first has locked."""

    def __init__(self) -> None:
        self._others: bool | None = False  # could start; None if nobody has looked

    async def take(self, connection: AsyncConnection, worker_id: int, limit: int) -> Taken:
        """Claims at most `limit` of the oldest queued runs, one of a conversation."""
        if not self._others:
            taken = await self._directly(connection, worker_id, limit)
            if taken:
                return taken
        self._others = None
        runs = await claim.claim(connection, worker_id, limit)
        return Taken(runs, await known_histories(connection, runs))

    async def rest(self, connection: AsyncConnection) -> bool:
        """Tells whether there is a run that could start, and was passed over."""
        if self._others is not False:  # it may have been another worker's, who has it by now
            self._others = await claim.is_waiting(connection)
        return self._others

    async def _directly(
        self, connection: AsyncConnection, worker_id: int, limit: int
    ) -> Taken | None:
        """Returns None if a row is at fault: then nothing was claimed."""
        try:
            found = await rows(connection, STATEMENT, {"worker": worker_id, "limit": limit})
        except Exception as error:
            if not blames_rows(error):
                raise
            logger.warning("claims: one after the other, since %s", quarantine.described(error))
            return None
        started = [row for row in found if row["run_id"] is not None]
        self._others = found[0]["others"] if len(started) < limit else None
        histories = {row["run_id"]: row["history"] for row in started}
        return Taken([*map(Claimed.read, started)], histories)
