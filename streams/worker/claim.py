"""Claims queued runs, and ends runs that nobody will continue.

Everyone locks the conversation, then the run. A claim is one transaction, so the run's new state
commits with the event that announces it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from psycopg import AsyncConnection

from .. import log
from ..log import transcript
from ..postgres.connections import blames_rows
from ..providers.base import RETRYABLE, SENTENCES, Code
from . import quarantine
from .open_calls import ends_of_calls


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run whose lease this worker holds.

    `steps` are those of its steps that have ended, with the first `from_block` blocks of its
    answer. `head` is the number of its run.started; `titled` tells whether its conversation had a
    title by then.
    """

    run_id: int
    uuid: str
    conversation_id: int
    answer_id: int
    prompt_seq: int
    model: str
    attempt: int
    steps: int
    from_block: int
    system: str
    token: int
    head: int = 0
    titled: bool = False

    @property
    def start(self) -> dict[str, int]:
        """Returns what run.started says: with ended steps, where it goes on."""
        if not self.steps:
            return {"attempt": self.attempt}
        goes_on = {"step": self.steps + 1, "from_block": self.from_block}
        return {"attempt": self.attempt, **goes_on}

    def event(self, type: str, **data: Any) -> log.NewEvent:
        return log.NewEvent(type, {"run": self.uuid, **data}, run_id=self.run_id)

    def noted(self, type: str, ledger: log.Ledger, **data: Any) -> log.NewEvent:
        """Makes an event that changes the ledger too."""
        return log.NewEvent(type, {"run": self.uuid, **data}, self.run_id, ledger)


# A stop may commit while the run's worker is handing it back: then nobody holds it to end it,
# also when its conversation was deleted.
# The row's own `active_run_id` says of a running one the same as `other`; but one row that is wrong
# about it must not make the whole claim fail on `one_running_run`, and so stop everyone's.
CLAIMABLE = """
r.status = 'queued' AND c.active_run_id IS NULL
   AND (c.deleted_at IS NULL OR r.cancel_requested_at IS NOT NULL)
   AND NOT EXISTS (SELECT FROM streams_run other
                    WHERE other.conversation_id = c.id
                      AND other.status IN ('running', 'waiting'))
"""

LOCK_QUEUED = quarantine.locking(
    f"""
SELECT c.id, {{failed_before}}
  FROM streams_run r JOIN streams_conversation c ON c.id = r.conversation_id
 WHERE {CLAIMABLE} AND {{due}}
 ORDER BY r.id LIMIT %(limit)s
   FOR NO KEY UPDATE OF c SKIP LOCKED
""",
    quarantine.Act.ANSWER,
)

STOPPED = """
SELECT r.id, r.uuid::text, r.conversation_id, r.answer_id, prompt.seq, r.model, r.attempt,
       r.steps, r.from_block, c.system, c.lease_token, r.cancelled_by
  FROM streams_run r
  JOIN streams_conversation c ON c.id = r.conversation_id
  JOIN streams_message prompt ON prompt.id = r.prompt_id
 WHERE r.conversation_id = ANY(%(conversations)s)
   AND r.status = 'queued' AND r.cancel_requested_at IS NOT NULL
"""

# A second statement, for its newer snapshot: the first may have waited behind a cancel. A
# conversation in which one is to be ended is left for after that. One that has begun and was handed
# back, or waited, keeps its turn.
START = f"""
WITH next AS (
    SELECT DISTINCT ON (conversation_id) id FROM streams_run r
     WHERE conversation_id = ANY(%(conversations)s) AND status = 'queued'
       AND NOT EXISTS (SELECT FROM streams_run stopped
                        WHERE stopped.conversation_id = r.conversation_id
                          AND stopped.status = 'queued'
                          AND stopped.cancel_requested_at IS NOT NULL)
     ORDER BY conversation_id, attempt = 0, rank, id
), run AS (
    UPDATE streams_run r
       SET status = 'running', attempt = r.attempt + 1, worker_id = %(worker)s,
           started_at = clock_timestamp(), step = r.steps
      FROM next WHERE r.id = next.id
    RETURNING r.*
), numbered AS (
    UPDATE streams_conversation c
       SET lease_token = c.lease_token + 1, active_run_id = run.id, last_seq = c.last_seq + 1
      FROM run WHERE c.id = run.conversation_id
    RETURNING c.id, c.owner_id, c.last_seq AS seq, run.id AS run_id, 'run.started' AS type,
              jsonb_build_object('run', run.uuid, 'attempt', run.attempt)
              || CASE WHEN run.steps = 0 THEN '{{}}' ELSE jsonb_build_object(
                     'step', run.steps + 1, 'from_block', run.from_block) END AS data,
              c.lease_token, c.system, c.title <> '' AS titled
), {log.WRITTEN}
SELECT run.id, run.uuid::text, run.conversation_id, run.answer_id, prompt.seq, run.model,
       run.attempt, run.steps, run.from_block, numbered.system, numbered.lease_token, numbered.seq,
       numbered.titled, {log.TOLD}
  FROM run
  JOIN numbered ON numbered.id = run.conversation_id
  JOIN streams_message prompt ON prompt.id = run.prompt_id
"""


async def claim(connection: AsyncConnection, worker_id: int, limit: int) -> list[Claimed]:
    """Claims the oldest queued runs of conversations in which none is running; at most `limit`.

    A run that was asked to stop while it was handed back is ended here.
    """
    start = partial(start_locked, connection, worker_id)
    known = {"limit": limit}
    return await quarantine.together_or_apart(
        connection, quarantine.Act.ANSWER, LOCK_QUEUED, known, start
    )


async def start_locked(
    connection: AsyncConnection, worker_id: int, locked: Sequence[tuple[Any, ...]]
) -> list[Claimed]:
    ids = list({row[0] for row in locked})
    started = await start(connection, worker_id, ids)
    if rest := list(set(ids) - {run.conversation_id for run in started}):
        stopped = await connection.execute(STOPPED, {"conversations": rest})
        for *run, device in await stopped.fetchall():
            await end(connection, Claimed(*run), None, device)
        started += await start(connection, worker_id, rest)
    return started


async def start(
    connection: AsyncConnection, worker_id: int, conversation_ids: Sequence[int]
) -> list[Claimed]:
    """Starts the first queued run of each conversation, and appends its run.started."""
    known = {"conversations": list(conversation_ids), "worker": worker_id}
    cursor = await connection.execute(START, known)
    return [Claimed(*row[:-2]) for row in await cursor.fetchall()]


async def announce(connection: AsyncConnection, rows: Sequence[tuple[Any, ...]]) -> list[Claimed]:
    """Appends run.started for each run that was taken over, in the same transaction."""
    claimed = [Claimed(*row) for row in rows]
    outcomes = await log.append(
        connection,
        [
            log.Append(run.conversation_id, [run.event("run.started", **run.start)])
            for run in claimed
        ],
    )
    heads = {outcome.conversation_id: outcome.head for outcome in outcomes}
    return [replace(run, head=heads[run.conversation_id] or 0) for run in claimed]


WAITING = f"""
SELECT EXISTS (SELECT FROM streams_run r JOIN streams_conversation c ON c.id = r.conversation_id
                WHERE {CLAIMABLE} AND {quarantine.DUE.format(act=quarantine.Act.ANSWER)})
"""


async def is_waiting(connection: AsyncConnection) -> bool:
    """Tells whether a run could start now; right after a claim, whether a locked one was
    skipped.
    """
    cursor = await connection.execute(WAITING)
    row = await cursor.fetchone()
    return bool(row and row[0])


async def give_up(connection: AsyncConnection, run: Claimed, code: Code) -> None:
    """Fails a run this worker holds, whatever became of the statements sent for it.

    Raising its token waits for, or fences out, a statement still in flight, and tells whether the
    run is still this worker's to end. Raises LockNotAvailable while the row is locked, so that the
    connection is free for others meanwhile. A conversation that cannot take the ending is set
    aside, and its run is taken over when it is tried again.
    """
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '1s'")
            held = [(run.conversation_id, run.run_id, run.token)]
            raised = await log.raise_tokens(connection, held)
            if run.conversation_id in raised:
                token, _ = raised[run.conversation_id]
                await end(connection, replace(run, token=token), code)
    except Exception as error:
        if not blames_rows(error):
            raise
        await quarantine.set_aside(connection, run.conversation_id, quarantine.Act.ANSWER, error)


async def end(
    connection: AsyncConnection,
    run: Claimed,
    code: Code | None,
    device: dict[str, str] | None = None,
) -> None:
    """Ends a run that nobody will continue: failed with `code`, or cancelled without one.

    The caller holds the conversation's row. The answer's text is read back from the log.
    """
    shown = await log.run_rows_from(connection, run.conversation_id, run.run_id)
    change = log.RunChange(run.run_id, answer_id=run.answer_id, blocks=transcript.blocks_of(shown))
    if code is None:
        change.status = "cancelled"
        event = run.event("run.cancelled", **({"device": device} if device else {}))
    else:
        change.status, change.retryable = "failed", code in RETRYABLE
        change.error_code, change.error_message = code, SENTENCES[code]
        event = run.event(
            "run.failed", code=code, message=SENTENCES[code], retryable=change.retryable
        )
    calls = await ends_of_calls(connection, run)
    append = log.Append(run.conversation_id, [*calls, event], token=run.token, change=change)
    await log.append(connection, [append])
