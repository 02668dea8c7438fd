"""Ends the calls of a run that nobody will continue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import AsyncConnection

from .. import log

if TYPE_CHECKING:
    from .claim import Claimed

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
