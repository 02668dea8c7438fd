"""The outline of a conversation: its messages in reading order, without what they say.

A part of a long conversation is found in it before anything that is long itself is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from streams.log.transcript_types import MessageState
from streams.postgres.database import connection

ALL = 2**62

# A row for each prompt and run of it, or for what was said elsewhere. A prompt whose runs were all
# taken back is on no page. All are of one conversation, and sought among its own.
OUTLINE = """
SELECT p.seq, p.uuid::text, p.parent_seq, p.role, a.uuid::text, a.seq, r.uuid::text,
       r.status = 'cancelled' AND r.attempt = 0, r.status = 'steered', i.uuid::text, r.at_block,
       r.status IN ('queued', 'running', 'waiting')
  FROM streams_message p
  LEFT JOIN streams_run r ON r.prompt_id = p.id AND r.conversation_id = %(conversation)s
  LEFT JOIN streams_message a ON a.id = r.answer_id AND a.conversation_id = %(conversation)s
  LEFT JOIN streams_run i ON i.id = r.into_id AND i.conversation_id = %(conversation)s
 WHERE p.conversation_id = %(conversation)s AND p.seq BETWEEN %(first)s AND %(last)s
   AND NOT EXISTS (SELECT FROM streams_run o
                    WHERE o.answer_id = p.id AND o.conversation_id = %(conversation)s)
 ORDER BY p.seq, a.seq
"""

# A message that is no answer, and was not taken back. Lateral, so that each is looked up when it is
# its turn: NOT EXISTS may become a look at everybody's runs.
KEPT = """
  FROM streams_message m
 CROSS JOIN LATERAL (SELECT FROM streams_run r WHERE r.answer_id = m.id HAVING count(*) = 0) AS no
 CROSS JOIN LATERAL (SELECT bool_or(r.into_id IS NOT NULL) AS joined
  FROM streams_run r WHERE r.prompt_id = m.id
HAVING count(*) = 0 OR NOT bool_and(r.status = 'cancelled' AND r.attempt = 0)) AS own
 WHERE m.conversation_id = %(conversation)s AND m.seq <= {last}
"""

UP_TO = KEPT.format(last="%(last)s")

# A prompt that has joined the answer to another stands within that one's turn.
TURN = f"""
SELECT m.seq {KEPT.format(last="at.last")} AND m.role = 'user' AND joined IS NOT TRUE
 ORDER BY m.seq DESC LIMIT 1 OFFSET at.skip
"""

# The number of the prompt of the message with this number, or its own where it is no answer.
PROMPT_OF = """
SELECT coalesce(p.seq, m.seq)
  FROM streams_message m
  LEFT JOIN streams_run r ON r.answer_id = m.id
  LEFT JOIN streams_message p ON p.id = r.prompt_id
 WHERE m.conversation_id = %(conversation)s AND {} = %(message)s
"""

TEXT = """(SELECT string_agg(block->>'text', '' ORDER BY nth) FILTER (WHERE block->>'kind' = 'text')
  FROM jsonb_array_elements(m.blocks) WITH ORDINALITY AS block(block, nth))"""

BRANCHED = """
SELECT EXISTS (SELECT FROM streams_message m
  WHERE m.conversation_id = %(conversation)s AND m.parent_seq IS NOT NULL)
"""

# The number of the prompt that begins the turn so many before each place, and that of the first
# prompt with an open run.
TURNS = f"""
{BRANCHED}, array(SELECT coalesce(({TURN}), 0)
  FROM (SELECT * FROM unnest(%(lasts)s::bigint[], %(skips)s::bigint[]) WITH ORDINALITY
         UNION ALL
        SELECT min(p.seq), 0, 99 FROM streams_run r JOIN streams_message p ON p.id = r.prompt_id
         WHERE r.conversation_id = %(conversation)s
           AND (r.status = 'queued' OR r.status IN ('running', 'waiting'))
       ) AS at(last, skip, nth) WHERE last IS NOT NULL ORDER BY nth)
"""


class Row(NamedTuple):
    """A message that is no answer, with one of its answers; without any, the rest is None."""

    seq: int
    id: str
    parent_seq: int | None
    role: str
    answer: str
    answer_seq: int
    run: str | None
    taken_back: bool
    steered: bool
    into: str | None
    at_block: int | None
    is_open: bool


class Outline(NamedTuple):
    """Messages of all branches in reading order; of those answers that are open, the runs."""

    messages: list[MessageState]
    open: dict[str, str]


def outline(conversation: int, first: int = 0, last: int = ALL) -> Outline:
    """Returns all messages; between two numbers, those prompts with all of their answers. A parent
    before the first of them is not named.
    """
    with connection().cursor() as cursor:
        cursor.execute(OUTLINE, {"conversation": conversation, "first": first, "last": last})
        rows = [Row(*row) for row in cursor.fetchall()]
    ids = {0: ""} | {row.seq: row.id for row in rows} | {row.answer_seq: row.answer for row in rows}
    groups = (turn([*group], ids) for _, group in groupby(rows, attrgetter("seq")))
    return Outline(
        [*chain(*groups)], {row.answer: row.run for row in rows if row.run and row.is_open}
    )


def turn(rows: Sequence[Row], ids: dict[int, str]) -> list[MessageState]:
    """Returns a prompt with its answers; nothing where it was taken back."""
    first = rows[0]
    prompt = MessageState(first.id, first.seq, first.role)
    if first.parent_seq is not None:
        prompt.parent = ids.get(first.parent_seq)
    found = [prompt]
    for row in rows:
        if row.into:
            prompt.into, prompt.at_block = row.into, row.at_block
        if row.run and not row.taken_back and not row.steered:
            answer = MessageState(row.answer, row.answer_seq, "assistant")
            answer.run, answer.parent = row.run, first.id
            found.append(answer)
    taken_back = all(row.run and row.taken_back for row in rows)
    return [] if taken_back else found


def is_branched(conversation: int) -> bool:
    """Tells whether a message names the one it follows."""
    return bool(one(BRANCHED, conversation))


def turns(conversation: int, *places: tuple[int, int]) -> list[int] | None:
    """Returns, for each number and count, the number of the prompt that begins the turn so many
    before the last up to that number, 0 where there are fewer; and that of the first turn with an
    open run, if there is one. None where a message names the one it follows.
    """
    lasts, skips = ([place[nth] for place in places] for nth in (0, 1))
    with connection().cursor() as cursor:
        cursor.execute(TURNS, {"conversation": conversation, "lasts": lasts, "skips": skips})
        branched, found = cursor.fetchone()
    return None if branched else found


def begins_before(conversation: int, seq: int) -> bool:
    return bool(one(f"SELECT EXISTS (SELECT {UP_TO})", conversation, last=seq - 1))


def first_of(conversation: int) -> str:
    """Returns the text of the first message."""
    found = one(f"SELECT {TEXT} {UP_TO} ORDER BY m.seq LIMIT 1", conversation, last=ALL)
    return found or ""


def newest_of(conversation: int) -> str:
    """Returns the id of the newest message that is no answer, "" where there is none."""
    found = one(f"SELECT m.uuid::text {UP_TO} ORDER BY m.seq DESC LIMIT 1", conversation, last=ALL)
    return found or ""


def prompt_at(conversation: int, seq: int) -> int | None:
    """Returns the number of the prompt that the message of this number answers, or its own."""
    found: int | None = one(PROMPT_OF.format("m.seq"), conversation, message=seq)
    return found


def prompt_held(conversation: int, id: str) -> int | None:
    """Returns the same for the message of this id."""
    try:
        message = UUID(id)
    except ValueError:
        return None
    found: int | None = one(PROMPT_OF.format("m.uuid"), conversation, message=message)
    return found


def one(query: str, conversation: int, **known: Any) -> Any:
    with connection().cursor() as cursor:
        cursor.execute(query, {"conversation": conversation, **known})
        row = cursor.fetchone()
    return row and row[0]
