"""Keeps only the newest system prompt of a conversation in its log."""

from __future__ import annotations

from streams.postgres.database import connection

FORGET = """
UPDATE streams_event SET data = data - 'system'
 WHERE conversation_id = %s AND type = 'conversation.updated' AND data ? 'system'
"""


def forget_instructions(conversation_id: int) -> None:
    """Removes all earlier system prompts from the log, which every device that joins would read.

    Runs inside Django's transaction, which must hold the conversation's row.
    """
    with connection().cursor() as cursor:
        cursor.execute(FORGET, [conversation_id])
