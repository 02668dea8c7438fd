"""Where a run stands: its steps and calls, as a worker that goes on with it reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from .. import log
from ..log.transcript import Block
from .lease import LeaseLost


@dataclass(slots=True)
class HeldCall(log.NewCall):
    """A call of a tool in the hands of its run's worker: its row, and what it has become.

    `begun` tells whether the tool had been started when this was read, and `called` whether this
    worker has called it.
    """

    note: str = ""
    result: str = ""
    ended: bool = False
    begun: bool = False
    called: bool = False


@dataclass(frozen=True, slots=True)
class Steering:
    """A prompt that joined the run before the block of this index."""

    at_block: int
    blocks: list[Block]


@dataclass(frozen=True, slots=True)
class Repeated:
    """The call that a person lets run again, and with which the run begins."""

    name: str
    arguments: str
    key: UUID
    device: dict[str, str] | None


@dataclass(slots=True)
class Standing:
    """Where a run stands: its steps that have ended, with their calls and the answer's first
    `from_block` blocks. An ended run may have more blocks: those of a step that did not end.
    """

    steps: list[log.EndedStep] = field(default_factory=list)
    calls: list[HeldCall] = field(default_factory=list)
    steered: list[Steering] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    from_block: int = 0
    usage: dict[str, int] = field(default_factory=dict)
    worked: float = 0.0
    repeated: Repeated | None = None

    @property
    def step_calls(self) -> list[HeldCall]:
        """Returns the calls of the last step that ended."""
        return [call for call in self.calls if self.steps and call.step == self.steps[-1].number]


STEPS = """
SELECT number, stop_reason, usage, provider, model, replay, from_block
  FROM streams_step WHERE run_id = %s ORDER BY number
"""
CALLS = """
SELECT uuid, step, block, call_id, vendor_id, name, arguments, key, repeat, client, status,
       decision, note, result, ended_at IS NOT NULL AS ended,
       started_at IS NOT NULL AS begun, device
  FROM streams_toolcall WHERE run_id = %s ORDER BY block
"""
STEERED = """
SELECT r.at_block, prompt.blocks FROM streams_run r JOIN streams_message prompt
    ON prompt.id = r.prompt_id
 WHERE r.into_id = %s ORDER BY r.at_block, r.rank, r.id
"""
RUN = """
SELECT answer.blocks, r.from_block, r.usage, r.worked FROM streams_run r
  JOIN streams_message answer ON answer.id = r.answer_id WHERE r.id = %s
"""
REPEATED = """
SELECT c.name, c.arguments, c.key,
       CASE WHEN d.id IS NOT NULL THEN jsonb_build_object('id', d.uuid, 'name', d.name) END
           AS device
  FROM streams_run r JOIN streams_toolcall c ON c.id = r.repeats_id
  JOIN streams_message prompt ON prompt.id = r.prompt_id
  LEFT JOIN streams_device d ON d.id = prompt.device_id
 WHERE r.id = %s
"""


async def read(connection: AsyncConnection, run_id: int) -> Standing:
    """Reads where a run stands. Only its worker changes that, but for decisions."""
    asked = [run_id]
    cursor = await connection.execute(RUN, asked)
    row = await cursor.fetchone()
    if row is None:
        raise LeaseLost(f"run {run_id}")
    blocks, from_block, usage, worked = row
    return Standing(
        steps=await rows(connection, log.EndedStep, STEPS, asked),
        calls=await read_calls(connection, run_id),
        steered=await rows(connection, Steering, STEERED, asked),
        blocks=blocks,
        from_block=from_block,
        usage=usage,
        worked=worked,
        repeated=next(iter(await rows(connection, Repeated, REPEATED, asked)), None),
    )


async def read_calls(connection: AsyncConnection, run_id: int) -> list[HeldCall]:
    return await rows(connection, HeldCall, CALLS, [run_id])


async def read_each(connection: AsyncConnection, runs: Sequence[int]) -> dict[int, Standing]:
    return {run_id: await read(connection, run_id) for run_id in runs}


async def rows(
    connection: AsyncConnection, kind: type[Any], query: str, asked: Sequence[Any]
) -> list[Any]:
    async with connection.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(query, asked)
        return await cursor.fetchall()
