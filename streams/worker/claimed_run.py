"""A run that a worker has claimed, and how queries read one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from .. import log

# What a query selects of `run`, a row of streams_run, and of its `prompt`; beside it come the
# conversation's `system` and `token`.
COLUMNS = """
run.id AS run_id, run.uuid::text AS uuid, run.conversation_id, run.answer_id,
prompt.seq AS prompt_seq, run.model, run.attempt, run.steps, run.from_block
"""


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

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Claimed:
        """Makes one of a row whose columns are named as its fields; others are passed over."""
        return cls(**{name: row[name] for name in cls.__slots__ if name in row})

    def event(self, type: str, **data: Any) -> log.NewEvent:
        return log.NewEvent(type, {"run": self.uuid, **data}, run_id=self.run_id)

    def delta(self, index: int, text: str) -> log.NewEvent:
        """Makes an event that adds text to a block."""
        data = {"run": self.uuid, "index": index, "text": text}
        return log.NewEvent("block.delta", data, self.run_id)

    def noted(self, type: str, ledger: log.Ledger, **data: Any) -> log.NewEvent:
        """Makes an event that changes the ledger too."""
        return log.NewEvent(type, {"run": self.uuid, **data}, self.run_id, ledger)

    def ending(self, blocks: Sequence[Mapping[str, Any]]) -> log.RunEnding:
        """Ends it with what its answer has by then."""
        return log.RunEnding(self.run_id, self.uuid, self.answer_id, blocks)


async def rows(
    connection: AsyncConnection, query: str, known: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Returns a query's rows by the names of their columns."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, known)
        return await cursor.fetchall()
