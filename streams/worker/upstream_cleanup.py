"""Stops answers that go on at their service although their runs were ended without their worker: in
a take-over, or while they were handed back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection

from psycopg import AsyncConnection

from ..conf import Settings
from ..providers.base import ProviderError, UnknownModel
from ..providers.registry import resolve
from ..supervision import SupervisedTasks
from .upstream_answer import FORGET, Persist, stopped

logger = logging.getLogger(__name__)

AT_ONCE = 20
AGAIN_AFTER = 15.0  # seconds

# A worker that ends a run it holds stops the answer itself, and removes the id. Services end their
# answers before long, so older runs have nothing left to stop.
LEFT = """
SELECT r.id, r.uuid::text, r.model, r.upstream FROM streams_run r
 WHERE r.upstream > '' AND r.status IN ('cancelled', 'failed') AND r.id <> ALL(%(held)s::bigint[])
   AND r.ended_at > statement_timestamp() - interval '10 minutes'
   AND NOT EXISTS (
       SELECT FROM streams_worker w
        WHERE w.id = r.worker_id AND w.id <> %(worker)s AND w.stopped_at IS NULL
          AND w.beat_at > clock_timestamp() - make_interval(secs => %(lease)s))
 ORDER BY r.ended_at LIMIT %(limit)s
"""


class LeftUpstream:
    """Looks for them when told to, and stops each beside the worker's other work. Another worker
    may stop the same one: that changes nothing.
    """

    def __init__(self, conf: Settings, tasks: SupervisedTasks, persist: Persist) -> None:
        self._conf = conf
        self._tasks = tasks
        self._persist = persist
        self._tried: dict[int, float] = {}

    async def look(
        self, connection: AsyncConnection, worker_id: int, held: Collection[int]
    ) -> None:
        now = time.monotonic()
        self._tried = {run: at for run, at in self._tried.items() if now - at < AGAIN_AFTER}
        known = {
            "worker": worker_id,
            "lease": self._conf.lease,
            "held": [*held, *self._tried],
            "limit": AT_ONCE,
        }
        for run_id, uuid, model, upstream in await (
            await connection.execute(LEFT, known)
        ).fetchall():
            self._tried[run_id] = now
            self._tasks.start(self._stop(run_id, uuid, model, upstream))

    async def _stop(self, run_id: int, uuid: str, model: str, upstream: str) -> None:
        try:
            provider, _ = resolve(model)
            if not await stopped(provider, upstream.partition(" ")[2], uuid):
                return
        except (UnknownModel, ProviderError) as error:
            logger.warning("run %s: its answer goes on at %s: %s", uuid, model, error)
        except Exception:
            logger.exception("run %s: its answer goes on at %s", uuid, model)
        await self._persist(
            lambda connection: connection.execute(FORGET, {"run": run_id, "upstream": upstream})
        )
