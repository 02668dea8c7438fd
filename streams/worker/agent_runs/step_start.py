"""The transaction in which a step of an agent's run begins."""

from __future__ import annotations

from psycopg import AsyncConnection

from ... import log
from ..claimed_run import Claimed
from ..lease import Lease, LeaseLost

HOLD = """
SELECT lease_token, last_seq FROM streams_conversation
 WHERE id = %(conversation)s AND active_run_id = %(run)s
   FOR NO KEY UPDATE
"""
# A second statement, for its newer snapshot: the first may have waited behind this very step.
BEGUN = "SELECT step FROM streams_run WHERE id = %(run)s"
# Prompts that were posted to join it; one that was asked to stop ends as such.
ABSORB = """
WITH absorbed AS (
    UPDATE streams_run r
       SET status = 'steered', ended_at = statement_timestamp(), into_id = %(run)s,
           at_block = %(at_block)s
     WHERE r.conversation_id = %(conversation)s AND r.status = 'queued' AND r.steers
       AND r.attempt = 0 AND r.cancel_requested_at IS NULL
    RETURNING r.id, r.uuid, r.prompt_id, r.rank
), told AS (
    INSERT INTO streams_delivery (run_id, status) SELECT id, 'steered' FROM absorbed
)
SELECT absorbed.id, absorbed.uuid::text, prompt.uuid::text
  FROM absorbed JOIN streams_message prompt ON prompt.id = absorbed.prompt_id
 ORDER BY absorbed.rank, absorbed.id
"""


async def begin_step(
    connection: AsyncConnection,
    run: Claimed,
    lease: Lease,
    number: int,
    at_block: int,
    *,
    absorbs: bool = True,
) -> int:
    """Begins a step; if it `absorbs`, takes prompts in that were posted to join the run. Returns
    the log's head.

    Everything of the lease must have settled. May be repeated when it is not known whether it
    committed. Raises LeaseLost, and LockNotAvailable while somebody holds the row for long.
    """
    known = {"conversation": run.conversation_id, "run": run.run_id, "at_block": at_block}
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '1s'")
        held = await (await connection.execute(HOLD, known)).fetchone()
        token, head = held or (None, 0)
        if token != lease.token:
            raise LeaseLost(f"run {run.run_id}")
        begun = await (await connection.execute(BEGUN, known)).fetchone()
        if begun == (number,):  # by this very transaction, whose answer was lost
            return int(head)
        joining = connection.execute(ABSORB, known) if absorbs else None
        absorbed = await (await joining).fetchall() if joining else []
        events = [
            log.NewEvent(
                "run.steered",
                {"run": run.uuid, "message": prompt, "absorbed": uuid, "at_block": at_block},
                run_id,
            )
            for run_id, uuid, prompt in absorbed
        ]
        events.append(run.noted("step.started", log.Ledger(began=number), step=number))
        append = log.Append(run.conversation_id, events, lease.token)
        (outcome,) = await log.append(connection, [append])
        if outcome.head is None:
            raise LeaseLost(f"run {run.run_id}")
        return outcome.head
