"""In which phases of agents' runs a worker was lost, and how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator

from .postgres import Postgres

ANSWERED, WAITING = "result unwritten", "waiting"
PHASES = ("model call", "between steps", "tool running", WAITING, "decided", ANSWERED)

# As it stands once the worker has its signal. A run that waits has no worker: everyone's counts.
OF_RUNS = """
SELECT CASE WHEN r.status = 'waiting' THEN 'waiting'
            WHEN r.step > r.steps THEN 'model call'
            WHEN EXISTS (SELECT FROM streams_toolcall t
                          WHERE t.run_id = r.id AND t.status = 'approved' AND t.decision > '')
                 THEN 'decided'
            WHEN NOT EXISTS (SELECT FROM streams_toolcall t
                              WHERE t.run_id = r.id AND t.ended_at IS NULL) THEN 'between steps'
       END
  FROM streams_run r LEFT JOIN streams_worker w ON w.id = r.worker_id
 WHERE r.status = 'waiting' OR (r.status = 'running' AND w.name LIKE %s)
"""
OF_CALLS = """
SELECT t.key::text, t.status FROM streams_toolcall t JOIN streams_run r ON r.id = t.run_id
  JOIN streams_worker w ON w.id = r.worker_id
 WHERE t.status IN ('running', 'waiting') AND r.status = 'running' AND w.name LIKE %s
"""


class Phases:
    """Counts losses by phase and kind; one that meets runs in several phases counts in each."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self.met: Counter[tuple[str, str]] = Counter()

    async def meet(self, kind: str, pid: int, answered: Container[str]) -> None:
        """Looks at what the worker of that process was doing; `answered` are the calls that the
        service has answered.
        """
        mine = f"%:{pid}"
        found = {phase for (phase,) in await self.postgres.query(OF_RUNS, mine) if phase}
        calls = await self.postgres.query(OF_CALLS, mine)
        running = [key for key, status in calls if status == "running"]
        found |= {ANSWERED if key in answered else "tool running" for key in running}
        found |= {WAITING} if len(running) < len(calls) else set()
        self.met.update((phase, kind) for phase in found)

    def table(self, kinds: list[str]) -> Iterator[tuple[str, object]]:
        yield "losses in phase", " ".join(f"{kind:>8}" for kind in kinds)
        for phase in PHASES:
            counts = (f"{self.met[phase, kind]:>8}" for kind in kinds)
            yield f"  {phase}", " ".join(counts)
