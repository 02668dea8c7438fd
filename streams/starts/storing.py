"""Stores prompts that have arrived together, with their runs, in one statement for each kind."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from django.utils import timezone
from psycopg import AsyncConnection

from streams import access, log, quotas, user_model
from streams.conf import conf
from streams.models import Conversation, Device, Message, Run, posting

from . import statements

# By whether the conversations are new.
STATEMENTS = {True: statements.IN_NEW, False: statements.IN_FREE}


class Draft(NamedTuple):
    """A device's prompt, its answer to come and its run, unsaved; so is a `new` conversation."""

    device: Device
    here: Conversation
    prompt: Message
    answer: Message
    run: Run
    new: bool

    def row(self) -> dict[str, Any]:
        row = posting.rows(self.here, self.prompt, self.answer, self.run)
        return row | {"new": posting.columns(self.here)} if self.new else row

    def keys(self) -> list[Hashable]:
        """One prompt at a time of a conversation and, where their number is limited, of a person:
        the statement counts what was there before it."""
        owner = [("owner", user_model.key_text(self.here.owner_id))] if counts() else []
        return [("conversation", self.here.uuid), *owner]


def counts() -> bool:
    return quotas.counts_runs()


# Once a minute and device at most, as Django's requests do.
SEEN = """
UPDATE streams_device d SET last_seen_at = now()
  FROM (SELECT id FROM streams_device WHERE id = ANY(%(devices)s)
         ORDER BY id FOR NO KEY UPDATE SKIP LOCKED) AS late
 WHERE d.id = late.id
"""


async def see(connection: AsyncConnection, drafts: Sequence[Draft]) -> None:
    """Records that devices are in use."""
    since = timezone.now() - access.SEEN_EVERY
    devices = {draft.device.pk for draft in drafts if draft.device.last_seen_at < since}
    if devices:
        await connection.execute(SEEN, {"devices": [*devices]})


async def store(connection: AsyncConnection, drafts: Sequence[Draft]) -> list[bool]:
    """Stores each draft for which there is nothing to decide, and updates its objects; all or none.

    False for the others: the key came before, the conversation is locked, deleted or has another
    rule for prompts than to wait, or a limit is reached.
    """
    await see(connection, drafts)
    kinds = {new: [draft for draft in drafts if draft.new == new] for new in (True, False)}
    counted = counts()
    async with AsyncExitStack() as held:
        if counted or all(kinds.values()):
            await held.enter_async_context(connection.transaction())
        if counted:
            # By a statement of its own: the one that counts needs a newer snapshot than this lock.
            owners = [user_model.key_text(draft.here.owner_id) for draft in drafts]
            await connection.execute(user_model.locking(), {"people": owners})
        stored = {
            row[0]: row
            for new, some in kinds.items()
            if some
            for row in await asked(
                connection, statements.IN_NEW if new else statements.IN_FREE, some
            )
        }
    for draft in drafts:
        if row := stored.get(draft.here.uuid):
            posting.stored(draft.here, draft.prompt, draft.answer, draft.run, row)
            if draft.new:
                draft.here.created_at = draft.here.updated_at
    return [draft.here.uuid in stored for draft in drafts]


async def asked(
    connection: AsyncConnection, query: str, drafts: Sequence[Draft]
) -> list[tuple[Any, ...]]:
    limits = conf()
    cursor = await connection.execute(
        query,
        {
            "asked": log.dumps([draft.row() for draft in drafts]),
            "conversations": [draft.here.uuid for draft in drafts],
            "counts": counts(),
            "running": limits.running_per_user,
            "queued": limits.queued_per_user,
            "messages": limits.conversation_messages,
            "budget_tokens": limits.budget_tokens,
            "budget_dollars": limits.budget_dollars,
        },
    )
    return await cursor.fetchall()
