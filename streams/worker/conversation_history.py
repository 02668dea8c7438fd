"""A conversation as the model is to see it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import psycopg
from psycopg import AsyncConnection

from ..log import file_references
from ..log.transcript import Block
from ..providers.base import File, Part, Text, Turn
from . import quarantine
from .attached_files import EARLIER
from .claimed_run import Claimed

DECLINED, REFUSED = "declined", "refused"  # what became of an earlier prompt, in HISTORIES

logger = logging.getLogger(__name__)

# A branch is made of stretches in which each message follows the one before it. A stretch begins
# after the last message up to its end that names a parent, and the next ends at that parent: of an
# answer, at its prompt, to which no later answer is told.
STRETCHES = """
stretch AS (
    SELECT run_id, conversation_id, prompt_seq AS ends, NULL::bigint AS answer_id,
           coalesce(first.seq, 0) AS begins, first.parent_seq
      FROM asked LEFT JOIN LATERAL (
           SELECT m.seq, m.parent_seq FROM streams_message m
            WHERE m.conversation_id = asked.conversation_id AND m.seq <= asked.prompt_seq
              AND m.parent_seq IS NOT NULL
            ORDER BY m.seq DESC LIMIT 1
      ) AS first ON true
     UNION ALL
    SELECT s.run_id, s.conversation_id, parent.ends, parent.id,
           coalesce(first.seq, 0), first.parent_seq
      FROM stretch s
      JOIN LATERAL (
           SELECT p.id, coalesce(prompt.seq, p.seq) AS ends
             FROM streams_message p
             LEFT JOIN streams_run r ON r.answer_id = p.id
             LEFT JOIN streams_message prompt ON prompt.id = r.prompt_id
            WHERE p.conversation_id = s.conversation_id AND p.seq = s.parent_seq
      ) AS parent ON parent.ends < s.begins
      LEFT JOIN LATERAL (
           SELECT m.seq, m.parent_seq FROM streams_message m
            WHERE m.conversation_id = s.conversation_id AND m.seq <= parent.ends
              AND m.parent_seq IS NOT NULL
            ORDER BY m.seq DESC LIMIT 1
      ) AS first ON true
)
"""

# The history of a run that a CTE `asked` names, among STRETCHES.
HISTORY = """
(
    SELECT json_agg(json_build_array(
               said.blocks, answer.blocks,
               CASE WHEN answer.stop_reason = 'refusal' OR answer.error_code = 'content_filter'
                    THEN 'declined'
                    WHEN answer.error_code IN ('bad_request', 'context_length')
                    THEN 'refused' END, said.role,
               CASE WHEN said.seq = asked.prompt_seq THEN
                    (SELECT r.asked FROM streams_run r WHERE r.id = asked.run_id) END,
               CASE WHEN answer.steps > 0 THEN answer.id END
           ) ORDER BY said.seq)::text
      FROM stretch s
      JOIN streams_message said ON said.conversation_id = s.conversation_id
       AND said.seq BETWEEN s.begins AND s.ends
      LEFT JOIN LATERAL (
           SELECT r.id, r.stop_reason, r.error_code, r.steps, m.blocks
             FROM streams_run r JOIN streams_message m ON m.id = r.answer_id
            WHERE r.prompt_id = said.id AND said.role = 'user' AND r.attempt > 0
              AND r.status IN ('completed', 'cancelled', 'failed')
              AND (s.answer_id IS NULL OR said.seq < s.ends OR r.answer_id = s.answer_id)
            ORDER BY r.id DESC LIMIT 1
      ) AS answer ON true
     WHERE s.run_id = asked.run_id
       AND (said.seq = s.ends OR answer.id IS NOT NULL
            OR NOT EXISTS (SELECT FROM streams_run r WHERE r.answer_id = said.id)
           AND NOT EXISTS (SELECT FROM streams_run r WHERE r.prompt_id = said.id)))
"""

HISTORIES = f"""
WITH RECURSIVE asked AS (
    SELECT * FROM unnest(%(runs)b::bigint[], %(conversations)b::bigint[], %(prompts)b::bigint[])
               AS a(run_id, conversation_id, prompt_seq)
), {STRETCHES}
SELECT asked.run_id, {HISTORY}
  FROM asked
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
    """Earlier prompts of its branch with the newest answer to each, and the run's own prompt last.

    A prompt that no run has ended for is not there: it was taken back, or is still waiting. Nor
    is one that was declined, with what the model had begun to say to it: as long as it is
    reminded of that, it declines whatever comes next. Of one that was refused the files are told
    by name alone: it may be one of them that the service cannot read, or has no room for.
    """
    *earlier, (prompt, *_) = orjson.loads(history)
    told = [
        (told_again(said, fate), answer or []) if role == "user" else ([], said)
        for said, answer, fate, role, *_ in earlier
        if fate != DECLINED
    ]
    # What an earlier run answered to its own prompt is not for this one.
    return alternating([*told, (prompt, [])])


def asked(history: str) -> dict[str, Any]:
    """Returns what was asked for beside the run's own prompt: mostly nothing, which is told without
    reading a long history once more.
    """
    if history.endswith("null, null]]"):
        return {}
    *_, (*_, asked, _) = orjson.loads(history)
    return asked or {}


def alternating(exchanges: Sequence[tuple[list[Block], list[Block]]]) -> list[Turn]:
    """Prompts and their answers as the model is to see them, the last one's still to come: what
    was said, not thought.

    A prompt whose answer never came is told together with the next: there are models that refuse
    two turns of one role in a row, as there are those that refuse an empty one. So are two answers
    in a row, of which an imported one has no prompt here.
    """
    turns: list[Turn] = []
    unanswered: list[list[Block]] = []
    for prompt, answer in exchanges:
        if prompt:
            unanswered.append(prompt)
        if not said(answer).strip():
            continue
        if unanswered or not turns:
            turns += [told_together(unanswered)] if unanswered else []
            turns.append(Turn.of("assistant", said(answer)))
        else:
            turns[-1] = Turn.of("assistant", f"{turns[-1].text}\n\n{said(answer)}")
        unanswered = []
    return [*turns, told_together(unanswered)]


def told_together(prompts: Sequence[list[Block]]) -> Turn:
    """Makes one turn of prompts in a row, the files of each before its text."""
    if not any(files_in(prompt) for prompt in prompts):
        return Turn.of("user", "\n\n".join(map(said, prompts)))
    parts: list[Part] = []
    for prompt in prompts:
        text = said(prompt)
        parts += [*files_in(prompt), *([Text(text)] if text.strip() else [])]
    return Turn("user", tuple(parts))


def told_again(prompt: list[Block], fate: str | None) -> list[Block]:
    """Returns an earlier prompt as it is told again, by what became of it."""
    if fate != REFUSED:
        return prompt
    return [
        {"kind": "text", "text": EARLIER.format(name=block["name"])}
        if block["kind"] == file_references.KIND
        else block
        for block in reversed(prompt)
    ]


def files_in(blocks: Sequence[Block]) -> list[File]:
    """Returns the files that a prompt names, without their content: see `attached_files`."""
    return [File(**reference) for reference in file_references.of_blocks(blocks)]


def said(blocks: list[Block]) -> str:
    return "".join(block["text"] for block in blocks if block["kind"] == "text")
