"""Reads the steps and calls that a run has so far, for a worker that continues it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from .. import log
from ..log.transcript import Block
from .lease import LeaseLost

T = TypeVar("T")


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
SELECT run_id, number, stop_reason, usage, provider, model, replay, from_block
  FROM streams_step WHERE run_id = ANY(%s) ORDER BY run_id, number
"""
CALLS = """
SELECT run_id, uuid, step, block, call_id, vendor_id, name, arguments, key, repeat, client, status,
       decision, note, result, ended_at IS NOT NULL AS ended,
       started_at IS NOT NULL AS begun, device
  FROM streams_toolcall WHERE run_id = ANY(%s) ORDER BY run_id, block
"""
STEERED = """
SELECT r.into_id AS run_id, r.at_block, prompt.blocks
  FROM streams_run r JOIN streams_message prompt ON prompt.id = r.prompt_id
 WHERE r.into_id = ANY(%s) ORDER BY r.into_id, r.at_block, r.rank, r.id
"""
RUNS = """
SELECT r.id AS run_id, answer.blocks, r.from_block, r.usage, r.worked
  FROM streams_run r JOIN streams_message answer ON answer.id = r.answer_id WHERE r.id = ANY(%s)
"""
REPEATED = """
SELECT r.id AS run_id, c.name, c.arguments, c.key,
       CASE WHEN d.id IS NOT NULL THEN jsonb_build_object('id', d.uuid, 'name', d.name) END
           AS device
  FROM streams_run r JOIN streams_toolcall c ON c.id = r.repeats_id
  JOIN streams_message prompt ON prompt.id = r.prompt_id
  LEFT JOIN streams_device d ON d.id = prompt.device_id
 WHERE r.id = ANY(%s)
"""


async def read(connection: AsyncConnection, run_id: int) -> Standing:
    """Reads where a run stands. Only its worker changes that, but for decisions."""
    found = await read_each(connection, [run_id])
    if run_id not in found:
        raise LeaseLost(f"run {run_id}")
    return found[run_id]


async def read_each(connection: AsyncConnection, runs: Sequence[int]) -> dict[int, Standing]:
    """Reads where runs stand, by their ids; with as few queries for a hundred as for one."""
    if not runs:
        return {}
    found = dict(await rows(connection, Standing, RUNS, runs))
    for run_id, step in await rows(connection, log.EndedStep, STEPS, runs):
        found[run_id].steps.append(step)
    for run_id, call in await rows(connection, HeldCall, CALLS, runs):
        found[run_id].calls.append(call)
    for run_id, prompt in await rows(connection, Steering, STEERED, runs):
        found[run_id].steered.append(prompt)
    for run_id, repeated in await rows(connection, Repeated, REPEATED, runs):
        found[run_id].repeated = repeated
    return found


async def read_calls(connection: AsyncConnection, run_id: int) -> list[HeldCall]:
    return [call for _, call in await rows(connection, HeldCall, CALLS, [run_id])]


async def rows(
    connection: AsyncConnection, kind: type[T], query: str, runs: Sequence[int]
) -> list[tuple[int, T]]:
    """Returns what a query finds of runs, each with its run's id."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, [list(runs)])
        found = await cursor.fetchall()
    return [(row.pop("run_id"), kind(**row)) for row in found]
