"""A conversation as the model is to see it."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import AsyncConnection

from ..log.transcript import Block
from ..providers.base import Turn
from .claim import Claimed

HISTORY = """
SELECT prompt.blocks, answer.blocks,
       answer.stop_reason = 'refusal' OR answer.error_code = 'content_filter'
  FROM streams_message prompt
  LEFT JOIN LATERAL (
       SELECT r.id, r.stop_reason, r.error_code, m.blocks
         FROM streams_run r JOIN streams_message m ON m.id = r.answer_id
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

    A prompt that no run has ended for is not there: it was taken back, or is still waiting. Nor
    is one that was declined, with what the model had begun to say to it: as long as it is
    reminded of that, it declines whatever comes next.
    """
    cursor = await connection.execute(
        HISTORY, {"conversation": run.conversation_id, "prompt": run.prompt_seq}
    )
    *earlier, (prompt, _, _) = await cursor.fetchall()
    told = [(prompt, answer or []) for prompt, answer, declined in earlier if not declined]
    # What an earlier run answered to its own prompt is not for this one.
    return alternating([*told, (prompt, [])])


def alternating(exchanges: Sequence[tuple[list[Block], list[Block]]]) -> list[Turn]:
    """Prompts and their answers as the model is to see them, the last one's still to come: what
    was said, not thought.

    A prompt whose answer never came is told together with the next: there are models that refuse
    two turns of one role in a row, as there are those that refuse an empty one.
    """
    turns: list[Turn] = []
    unanswered: list[str] = []
    for prompt, answer in exchanges:
        unanswered.append(said(prompt))
        if said(answer).strip():
            turns += Turn("user", "\n\n".join(unanswered)), Turn("assistant", said(answer))
            unanswered = []
    return [*turns, Turn("user", "\n\n".join(unanswered))]


def said(blocks: list[Block]) -> str:
    return "".join(block["text"] for block in blocks if block["kind"] == "text")
