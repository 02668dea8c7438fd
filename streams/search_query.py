"""Finds a person's conversations by words in titles and messages, for `/c/search`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from streams import search_lexemes
from streams.log.transcript import Block
from streams.postgres.database import connection
from streams.user_model import key_text, key_type

MOST = 30  # results of each kind
EACH = 10  # messages of one conversation, lest it hide the others
MOST_WITHIN = 100  # messages, where one conversation alone is searched
LOOKED_AT = 8  # times as many of the newest messages as are returned

# A prompt that was taken back before its answer began is not on the page either.
ON_THE_PAGE = """(m.role = 'assistant' OR EXISTS (SELECT FROM streams_run r WHERE r.prompt_id = m.id
            AND (r.attempt > 0 OR r.status IN ('queued', 'steered'))))"""

# By the index alone, in which each word stands with its owner.
IN_TEXT = f"""
WITH hits AS MATERIALIZED (  -- or the newest entries of everybody would be read backwards
    SELECT message_id FROM streams_searchentry WHERE words @@ %(query)s::tsquery
), ranked AS (
    SELECT c.uuid, c.title, m.id, count(*) OVER of_one AS found,
           row_number() OVER (of_one ORDER BY m.id DESC) AS nth
      FROM (SELECT message_id FROM hits ORDER BY message_id DESC LIMIT {LOOKED_AT} * %(most)s) AS e
      JOIN streams_message m ON m.id = e.message_id
      JOIN streams_conversation c ON c.id = m.conversation_id
     WHERE c.owner_id = %(owner)s AND c.deleted_at IS NULL
       AND {ON_THE_PAGE}
    WINDOW of_one AS (PARTITION BY c.id)
)
SELECT r.uuid, r.title, m.uuid, m.role, m.created_at, r.found, m.blocks
  FROM ranked r JOIN streams_message m ON m.id = r.id
 WHERE r.nth <= %(each)s
 ORDER BY m.id DESC LIMIT %(most)s
"""

# Of one conversation: its own messages are looked at, however many others have the words.
WITHIN = f"""
SELECT c.uuid, c.title, m.uuid, m.role, m.created_at, 0, m.blocks
  FROM streams_conversation c
  JOIN streams_message m ON m.conversation_id = c.id
  JOIN streams_searchentry e ON e.message_id = m.id
 WHERE c.uuid = %(within)s AND c.owner_id = %(owner)s AND c.deleted_at IS NULL
   AND e.words @@ %(query)s::tsquery
   AND {ON_THE_PAGE}
 ORDER BY m.id DESC LIMIT %(most)s
"""

# What was said a moment ago is not in the index yet: a worker writes that.
JUST_SAID = f"""
SELECT c.uuid, c.title, m.uuid, m.role, m.created_at, 0, m.blocks
  FROM (SELECT id, uuid, title FROM streams_conversation
         WHERE owner_id = %(owner)s AND deleted_at IS NULL
           AND (%(within)s::uuid IS NULL OR uuid = %(within)s::uuid)
         ORDER BY updated_at DESC, id DESC LIMIT 20) AS c
 CROSS JOIN LATERAL (SELECT * FROM streams_message it WHERE it.conversation_id = c.id
                      ORDER BY it.seq DESC LIMIT 8) AS m
 WHERE NOT EXISTS (SELECT FROM streams_searchentry e WHERE e.message_id = m.id)
   AND {ON_THE_PAGE}
 ORDER BY m.id DESC
"""

# A person's titles are few enough to look at each of them.
IN_TITLES = """
SELECT c.uuid, c.title, NULL, NULL, c.updated_at, 0, NULL
  FROM streams_conversation c
 WHERE c.owner_id = %(owner)s AND c.deleted_at IS NULL AND c.title <> ''
   AND (c.title ILIKE ALL (%(patterns)s::text[]) {or_similar})
 ORDER BY {first_best} c.updated_at DESC, c.id DESC LIMIT %(most)s
"""
SIMILAR = "OR %(asked)s <%% c.title"
BEST = "c.title ILIKE ALL (%(patterns)s::text[]) DESC, word_similarity(%(asked)s, c.title) DESC,"


class Found(NamedTuple):
    """A title, or a message. `of_conversation` counts the messages that were found in its
    conversation; at most `EACH` of them are returned.
    """

    conversation: Any
    title: str
    message: Any
    role: str | None
    at: datetime
    of_conversation: int
    blocks: list[Block] | None

    @classmethod
    def read(cls, row: Sequence[Any]) -> Found:
        """Makes one of a row of Django's own cursor, which leaves JSON as it is written."""
        *known, blocks = row
        return cls._make([*known, None if blocks is None else json.loads(blocks)])


def find(user: Any, asked: str, within: UUID | None = None) -> list[Found]:
    """Returns titles first, then messages, the newest first; `within` one conversation, messages
    alone.
    """
    terms = asked.split()
    if not terms or not search_lexemes.words(asked):
        return []
    trigrams = has_trigrams(connection().settings_dict["NAME"])
    titles = IN_TITLES.format(
        or_similar=SIMILAR if trigrams else "", first_best=BEST if trigrams else ""
    )
    owner = key_text(user.pk)
    known: dict[str, Any] = {
        "owner": owner,
        "asked": asked,
        "patterns": [pattern(term) for term in terms],
        "query": search_lexemes.query(owner, asked),
        "within": within,
        "most": MOST_WITHIN if within else MOST,
        "each": EACH,
    }
    with connection().cursor() as cursor:
        titled = [] if within else rows(cursor, titles, known)
        fresh, kept = (rows(cursor, it, known) for it in (JUST_SAID, WITHIN if within else IN_TEXT))
    fresh = [it for it in fresh if it.blocks and search_lexemes.matches(said(it.blocks), asked)]
    before = {it.message for it in fresh}  # perhaps put into the index in between
    messages = fresh + [it for it in kept if it.message not in before]
    return titled + spread(messages, MOST_WITHIN if within else EACH)[: known["most"]]


def spread(messages: list[Found], most: int) -> list[Found]:
    """Returns at most so many messages of a conversation, with how many it has."""
    there = Counter(it.conversation for it in messages)
    for it in messages:
        there[it.conversation] = max(there[it.conversation], it.of_conversation)
    taken: Counter[Any] = Counter()
    found = []
    for it in messages:
        taken[it.conversation] += 1
        if taken[it.conversation] <= most:
            found.append(it._replace(of_conversation=there[it.conversation]))
    return found


def rows(cursor: Any, which: str, known: dict[str, Any]) -> list[Found]:
    cursor.execute(which.replace("%(owner)s", f"%(owner)s::{key_type()}"), known)
    return [Found.read(row) for row in cursor.fetchall()]


def said(blocks: list[Block]) -> str:
    return "".join(block["text"] for block in blocks if block["kind"] == "text")


@cache
def has_trigrams(database: str) -> bool:
    """Tells whether the extension pg_trgm is there; asked once."""
    with connection().cursor() as cursor:
        cursor.execute("SELECT to_regproc('word_similarity') IS NOT NULL")
        return bool(cursor.fetchone()[0])


def pattern(term: str) -> str:
    for special in ("\\", "%", "_"):
        term = term.replace(special, f"\\{special}")
    return f"%{term}%"
