"""Takes over the runs of a worker that was killed, or is silent for longer than its lease.

Everyone locks the conversation, then the run; the run's new state commits with its event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from psycopg import AsyncConnection

from ..conf import Settings
from ..providers.base import Code
from . import quarantine
from .abandoned_runs import end
from .claim import announce
from .claimed_run import COLUMNS, Claimed, rows
from .local_processes import is_gone, process_identity

# Its worker has gone or is silent; or is this one, which does not know of it, since the answer
# to its claim was lost with a connection. What this worker does hold it never takes over from
# itself.
EXPIRED = """
r.status = 'running' AND r.id <> ALL(%(held)s::bigint[]) AND NOT EXISTS (
    SELECT FROM streams_worker w
     WHERE w.id = r.worker_id AND w.id <> %(worker)s AND w.stopped_at IS NULL
       AND (w.beat_at > clock_timestamp() - make_interval(secs => %(lease)s)
            OR NOT %(silent_too)s))
"""

# Only deaths are counted against an answer: not that a worker handed it back, and not that this
# one never heard of its own claim.
DIED = "(r.worker_id IS DISTINCT FROM %(worker)s)::int"

# To begin again, or to be ended: that takes no room.
GOES_ON = f"(r.cancel_requested_at IS NULL AND r.deaths + {DIED} < %(attempts)s)"
ENDED_AT_ONCE = 20

LOCK_EXPIRED = quarantine.locking(
    f"""
SELECT c.id, {{failed_before}}
  FROM streams_run r JOIN streams_conversation c ON c.id = r.conversation_id
 WHERE {EXPIRED} AND (%(room)s > 0 OR NOT {GOES_ON}) AND {{due}}
 ORDER BY r.id LIMIT %(limit)s
   FOR NO KEY UPDATE OF c SKIP LOCKED
""",
    quarantine.Act.ANSWER,
)

TAKE_OVER = f"""
WITH lost AS (
    SELECT r.id FROM streams_run r WHERE r.conversation_id = ANY(%(conversations)s) AND {EXPIRED}
), run AS (
    UPDATE streams_run r
       SET worker_id = %(worker)s, attempt = r.attempt + {GOES_ON}::int,
           deaths = r.deaths + {DIED},
           step = CASE WHEN {GOES_ON} THEN r.steps ELSE r.step END,
           first_token_at = CASE WHEN NOT {GOES_ON} OR r.steps > 0 THEN r.first_token_at END
      FROM lost WHERE r.id = lost.id
    RETURNING r.*
), leased AS (
    UPDATE streams_conversation c SET lease_token = c.lease_token + 1, active_run_id = run.id
      FROM run WHERE c.id = run.conversation_id
    RETURNING c.id, c.lease_token, c.system
)
SELECT {COLUMNS}, leased.system, leased.lease_token AS token,
       run.cancel_requested_at IS NOT NULL AS cancelled, run.cancelled_by,
       run.attempt > before.attempt AS goes_on
  FROM run
  JOIN streams_run before ON before.id = run.id
  JOIN leased ON leased.id = run.conversation_id
  JOIN streams_message prompt ON prompt.id = run.prompt_id
"""


async def take_over(
    connection: AsyncConnection,
    worker_id: int,
    held: Sequence[int],
    room: int,
    conf: Settings,
    *,
    silent_too: bool = True,
) -> list[Claimed]:
    """Returns runs of dead or silent workers, to be begun again; ends those that will not be.

    A run that was asked to stop is cancelled; one that `max_attempts` workers died with fails as
    `worker_lost`. `held` are the runs this worker has; `room` is for how many more it has capacity.
    """
    known = {
        "worker": worker_id,
        "held": list(held),
        "lease": conf.lease,
        "silent_too": silent_too,
        "room": room,
        "limit": room or ENDED_AT_ONCE,
        "attempts": conf.max_attempts,
    }
    await record_killed_workers(connection, worker_id)
    take = partial(take_locked, connection, known)
    return await quarantine.together_or_apart(
        connection, quarantine.Act.ANSWER, LOCK_EXPIRED, known, take
    )


async def take_locked(
    connection: AsyncConnection, known: Mapping[str, Any], locked: Sequence[quarantine.Row]
) -> list[Claimed]:
    ids = list({row["id"] for row in locked})
    again = []
    for row in await rows(connection, TAKE_OVER, {**known, "conversations": ids}):
        run = Claimed.read(row)
        if row["goes_on"]:
            again.append(run)
        else:
            why = None if row["cancelled"] else Code.WORKER_LOST
            await end(connection, run, why, row["cancelled_by"])
    return await announce(connection, again)


async def record_killed_workers(connection: AsyncConnection, worker_id: int) -> None:
    """Signs off for workers of this machine that were killed before they could."""
    place, _, _ = process_identity().rpartition("/")
    if not place:
        return
    cursor = await connection.execute(
        "SELECT id, process FROM streams_worker"
        " WHERE stopped_at IS NULL AND starts_with(process, %s) AND id <> %s",
        [f"{place}/", worker_id],
    )
    gone = [sibling for sibling, process in await cursor.fetchall() if is_gone(process)]
    if gone:
        await connection.execute(
            "UPDATE streams_worker SET stopped_at = clock_timestamp(), lost = true"
            " WHERE id = ANY(%s) AND stopped_at IS NULL",
            [gone],
        )
