"""A conversation as the model is to see it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import orjson
import psycopg
from psycopg import AsyncConnection

from ..log.transcript import Block
from ..providers.base import Turn
from . import quarantine
from .claim import Claimed

logger = logging.getLogger(__name__)

HISTORIES = """
SELECT of.run_id, (
    SELECT json_agg(json_build_array(
               prompt.blocks, answer.blocks,
               answer.stop_reason = 'refusal' OR answer.error_code = 'content_filter'
           ) ORDER BY prompt.seq)::text
      FROM streams_message prompt
      LEFT JOIN LATERAL (
           SELECT r.id, r.stop_reason, r.error_code, m.blocks
             FROM streams_run r JOIN streams_message m ON m.id = r.answer_id
            WHERE r.prompt_id = prompt.id AND r.attempt > 0
              AND r.status IN ('completed', 'cancelled', 'failed')
            ORDER BY r.id DESC LIMIT 1
      ) AS answer ON true
     WHERE prompt.conversation_id = of.conversation_id AND prompt.role = 'user'
       AND (prompt.seq = of.prompt_seq OR prompt.seq < of.prompt_seq AND answer.id IS NOT NULL))
  FROM unnest(%(runs)b::bigint[], %(conversations)b::bigint[], %(prompts)b::bigint[])
       AS of(run_id, conversation_id, prompt_seq)
"""


async def histories(connection: AsyncConnection, runs: Sequence[Claimed]) -> dict[int, str]:
    """Returns, by the id of each run, the JSON that `turns` reads. It is parsed there, in each
    run's own task: many long ones at once would block the event loop."""
    known = {
        "runs": [run.run_id for run in runs],
        "conversations": [run.conversation_id for run in runs],
        "prompts": [run.prompt_seq for run in runs],
    }
    cursor = await connection.execute(HISTORIES, known)
    return dict(await cursor.fetchall())


async def history(connection: AsyncConnection, run: Claimed) -> str:
    """Returns the same for one run."""
    return (await histories(connection, [run]))[run.run_id]


async def known_histories(
    connection: AsyncConnection, runs: Sequence[Claimed]
) -> Mapping[int, str]:
    """Returns `histories` of runs that have just been claimed, or none if the query fails: the runs
    start all the same, and each then asks for its own."""
    try:
        return await histories(connection, runs) if runs else {}
    except psycopg.Error as error:
        logger.warning("histories are asked for one by one: %s", quarantine.described(error))
        return {}


def turns(history: str) -> list[Turn]:
    """Earlier prompts with the newest answer to each, and the run's own prompt last.

    A prompt that no run has ended for is not there: it was taken back, or is still waiting. Nor
    is one that was declined, with what the model had begun to say to it: as long as it is
    reminded of that, it declines whatever comes next.
    """
    *earlier, (prompt, _, _) = orjson.loads(history)
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
            turns += Turn.of("user", "\n\n".join(unanswered)), Turn.of("assistant", said(answer))
            unanswered = []
    return [*turns, Turn.of("user", "\n\n".join(unanswered))]


def said(blocks: list[Block]) -> str:
    return "".join(block["text"] for block in blocks if block["kind"] == "text")
