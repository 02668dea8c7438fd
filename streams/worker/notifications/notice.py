"""The notice of a run that webhooks and devices are sent: read once for a delivery, without any
text of the conversation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Notice:
    """A run that ended or waits. `status` is what it became then, and `now` what it is; `happened`
    is when; `delivery` is the same at each repeat and at nothing else. `person` is the key of the
    conversation's owner as text."""

    delivery: int
    status: str
    happened: datetime
    run_id: int
    run: UUID
    now: str
    model: str
    error_code: str
    usage: Mapping[str, Any]
    conversation_id: int
    conversation: UUID
    title: str
    deleted: bool
    person: str

    @property
    def id(self) -> str:
        """Tells repeats apart, also from those of another database."""
        return f"{self.run.hex}_{self.delivery}"


class Channel(Protocol):
    """A way of telling. `tell` returns the names, to be kept with the delivery, of who has been
    told by now, and whether nobody is left; `done` are the names of earlier tries."""

    async def tell(self, notice: Notice, done: Iterable[str]) -> tuple[set[str], bool]: ...


READ = """
SELECT d.id AS delivery, coalesce(nullif(d.status, ''), r.status) AS status,
       d.created_at AS happened, r.id AS run_id, r.uuid AS run, r.status AS now, r.model,
       r.error_code, r.usage, c.id AS conversation_id, c.uuid AS conversation, c.title,
       c.deleted_at IS NOT NULL AS deleted, c.owner_id::text AS person
  FROM streams_delivery d JOIN streams_run r ON r.id = d.run_id
  JOIN streams_conversation c ON c.id = r.conversation_id
 WHERE d.id = %s
"""


async def read(connection: AsyncConnection, delivery: int) -> Notice | None:
    """Returns nothing for a run that has gone."""
    async with connection.cursor(row_factory=class_row(Notice)) as cursor:
        await cursor.execute(READ, [delivery])
        return await cursor.fetchone()
