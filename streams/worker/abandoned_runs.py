"""Ends runs that nobody will continue, with their calls of tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from psycopg import AsyncConnection

from .. import log
from ..log import transcript
from ..postgres.connections import blames_rows
from ..providers.base import Code, ProviderError
from . import quarantine
from .claimed_run import Claimed


async def give_up(
    connection: AsyncConnection,
    run: Claimed,
    code: Code | None,
    device: dict[str, str] | None = None,
) -> None:
    """Ends a run this worker holds as `end` does, whatever became of the statements sent for it.

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
                await end(connection, replace(run, token=token), code, device)
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
    blocks = transcript.blocks_of(shown)
    ending, usage = run.ending(blocks), await used(connection, run, blocks)
    event, change = (
        ending.failed(ProviderError(code), usage) if code else ending.cancelled(device, usage)
    )
    calls = await ends_of_calls(connection, run)
    append = log.Append(run.conversation_id, [*calls, event], token=run.token, change=change)
    await log.append(connection, [append])


# What was broken off when a run was handed back is counted, unless it goes on at its service. Steps
# have ended since the claim, whose usage has been added up.
USED = """
SELECT r.usage, coalesce(prompt.blocks->0->>'text', ''), r.from_block
  FROM streams_run r JOIN streams_message prompt ON prompt.id = r.prompt_id
 WHERE r.id = %s AND (r.status = 'running' OR r.upstream > '')
"""


async def used(
    connection: AsyncConnection, run: Claimed, blocks: Sequence[Mapping[str, Any]]
) -> dict[str, int] | None:
    """Returns what a run has used with a call that was lost with its worker, or None."""
    row = await (await connection.execute(USED, [run.run_id])).fetchone()
    if row is None:
        return None
    before, prompt, from_block = row
    return log.with_lost_call(before, prompt, blocks[from_block:])


OPEN_CALLS = """
SELECT uuid, call_id, started_at IS NOT NULL FROM streams_toolcall
 WHERE run_id = %s AND ended_at IS NULL ORDER BY block
"""


async def ends_of_calls(connection: AsyncConnection, run: Claimed) -> list[log.NewEvent]:
    """Makes the events that end calls of a run which nobody will continue."""
    found = await connection.execute(OPEN_CALLS, [run.run_id])
    events = []
    for uuid, call_id, started in await found.fetchall():
        status, result = log.unrun(started)
        change = log.CallChange(uuid, status, ended=True, result=result)
        known = {"call_id": call_id, "status": status, "result": result}
        events.append(run.noted("tool.ended", log.Ledger(changed=change), **known))
    return events
