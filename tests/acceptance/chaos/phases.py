"""In which phases of agents' runs a worker was lost, and how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator

from psycopg import AsyncConnection

from .postgres import Postgres

ANSWERED, WAITING = "result unwritten", "waiting"
PHASES = ("model call", "between steps", "tool running", WAITING, "decided", ANSWERED)

# A run that waits has no worker: everyone's counts.
# A call that runs is told by its key.
STANDING = """
WITH mine AS (
    SELECT r.id, r.step > r.steps AS asks,
           EXISTS (SELECT FROM streams_toolcall t WHERE t.run_id = r.id AND t.ended_at IS NULL)
               AS calls
      FROM streams_run r JOIN streams_worker w ON w.id = r.worker_id
     WHERE r.status = 'running' AND w.name LIKE %s
)
SELECT 'waiting' FROM streams_run WHERE status = 'waiting'
UNION SELECT CASE WHEN asks THEN 'model call' ELSE 'between steps' END FROM mine WHERE NOT calls
UNION SELECT CASE t.status WHEN 'approved' THEN 'decided' WHEN 'running' THEN t.key::text
             ELSE 'waiting' END
        FROM streams_toolcall t JOIN mine ON mine.id = t.run_id
       WHERE t.ended_at IS NULL AND (t.status <> 'approved' OR t.decision > '')
"""


class Phases:
    """Counts losses by phase and kind; one that meets runs in several phases counts in each."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self.met: Counter[tuple[str, str]] = Counter()
        self._connection: AsyncConnection | None = None  # kept: another worker is soon there

    async def open(self) -> None:
        self._connection = await self.postgres.connect()

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def meet(self, kind: str, pid: int, answered: Container[str]) -> None:
        """Looks at what the worker of that process was doing; `answered` are the calls that the
        service has answered.
        """
        assert self._connection is not None
        found = await self._connection.execute(STANDING, [f"%:{pid}"])
        told = {phase for (phase,) in await found.fetchall()}
        running = told.difference(PHASES)
        phases = told.intersection(PHASES)
        phases |= {ANSWERED if key in answered else "tool running" for key in running}
        self.met.update((phase, kind) for phase in phases)

    def table(self, kinds: list[str]) -> Iterator[tuple[str, object]]:
        yield "losses in phase", " ".join(f"{kind:>8}" for kind in kinds)
        for phase in PHASES:
            counts = (f"{self.met[phase, kind]:>8}" for kind in kinds)
            yield f"  {phase}", " ".join(counts)
