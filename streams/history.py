"""A conversation as the model is to see it."""

from __future__ import annotations

from psycopg import AsyncConnection

from .claim import Claimed
from .fold import Block
from .providers.base import Turn

HISTORY = """
SELECT prompt.blocks, answer.blocks
  FROM streams_message prompt
  LEFT JOIN LATERAL (
       SELECT r.id, m.blocks FROM streams_run r JOIN streams_message m ON m.id = r.answer_id
        WHERE r.prompt_id = prompt.id AND r.attempt > 0
          AND r.status IN ('completed', 'cancelled', 'failed')
        ORDER BY r.id DESC LIMIT 1
  ) AS answer ON true
 WHERE prompt.conversation_id = %(conversation)s AND prompt.role = 'user'
   AND (prompt.seq = %(prompt)s OR prompt.seq < %(prompt)s AND answer.id IS NOT NULL)
 ORDER BY prompt.seq
"""


async def turns(connection: AsyncConnection, run: Claimed) -> list[Turn]:
    """Earlier prompts with the newest answer to each, and this run's own prompt last.

    A prompt that no run has ended for is not there: it was taken back, or is still waiting.
    """
    cursor = await connection.execute(
        HISTORY, {"conversation": run.conversation_id, "prompt": run.prompt_seq}
    )
    pairs = [(prompt, answer or []) for prompt, answer in await cursor.fetchall()]
    pairs[-1] = (pairs[-1][0], [])  # what an earlier run answered to it is not for this one
    return [turn for prompt, answer in pairs for turn in exchange(prompt, answer)]


def exchange(prompt: list[Block], answer: list[Block]) -> list[Turn]:
    """A prompt and its answer as the model is to see them: what was said, not thought."""
    turns = [Turn("user", said(prompt))]
    return [*turns, Turn("assistant", said(answer))] if said(answer) else turns


def said(blocks: list[Block]) -> str:
    return "".join(block["text"] for block in blocks if block["kind"] == "text")
