"""Finds a person's conversations by words in titles and messages, for `/c/search`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from streams import search_lexemes
from streams.log.transcript import Block
from streams.postgres.database import connection
from streams.user_model import key_text, key_type

MOST = 30  # results of each kind

# A prompt that was taken back before its answer began is not on the page either.
ON_THE_PAGE = """(m.role = 'assistant' OR EXISTS (SELECT FROM streams_run r WHERE r.prompt_id = m.id
            AND (r.attempt > 0 OR r.status IN ('queued', 'steered'))))"""

# By the index alone, in which each word stands with its owner.
IN_TEXT = f"""
WITH hits AS MATERIALIZED (  -- or the newest entries of everybody would be read backwards
    SELECT message_id FROM streams_searchentry WHERE words @@ %(query)s::tsquery
)
SELECT c.uuid, c.title, m.uuid, m.role, m.created_at, m.blocks
  FROM (SELECT message_id FROM hits ORDER BY message_id DESC LIMIT 4 * %(most)s) AS e
  JOIN streams_message m ON m.id = e.message_id
  JOIN streams_conversation c ON c.id = m.conversation_id
 WHERE c.owner_id = %(owner)s AND c.deleted_at IS NULL
   AND {ON_THE_PAGE}
 ORDER BY e.message_id DESC LIMIT %(most)s
"""

# What was said a moment ago is not in the index yet: a worker writes that.
JUST_SAID = f"""
SELECT c.uuid, c.title, m.uuid, m.role, m.created_at, m.blocks
  FROM (SELECT id, uuid, title FROM streams_conversation
         WHERE owner_id = %(owner)s AND deleted_at IS NULL
         ORDER BY updated_at DESC, id DESC LIMIT 20) AS c
 CROSS JOIN LATERAL (SELECT * FROM streams_message it WHERE it.conversation_id = c.id
                      ORDER BY it.seq DESC LIMIT 8) AS m
 WHERE NOT EXISTS (SELECT FROM streams_searchentry e WHERE e.message_id = m.id)
   AND {ON_THE_PAGE}
 ORDER BY m.id DESC
"""

# A person's titles are few enough to look at each of them.
IN_TITLES = """
SELECT c.uuid, c.title, NULL, NULL, c.updated_at, NULL
  FROM streams_conversation c
 WHERE c.owner_id = %(owner)s AND c.deleted_at IS NULL AND c.title <> ''
   AND (c.title ILIKE ALL (%(patterns)s::text[]) {or_similar})
 ORDER BY {first_best} c.updated_at DESC, c.id DESC LIMIT %(most)s
"""
SIMILAR = "OR %(asked)s <%% c.title"
BEST = "c.title ILIKE ALL (%(patterns)s::text[]) DESC, word_similarity(%(asked)s, c.title) DESC,"


class Found(NamedTuple):
    conversation: Any
    title: str
    message: Any
    role: str | None
    at: datetime
    blocks: list[Block] | None

    @classmethod
    def read(cls, row: Sequence[Any]) -> Found:
        """Makes one of a row of Django's own cursor, which leaves JSON as it is written."""
        *known, blocks = row
        return cls._make([*known, None if blocks is None else json.loads(blocks)])


def find(user: Any, asked: str) -> list[Found]:
    """Returns titles first, then messages, the newest first."""
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
        "most": MOST,
    }
    with connection().cursor() as cursor:
        titled, fresh, kept = (rows(cursor, it, known) for it in (titles, JUST_SAID, IN_TEXT))
    fresh = [it for it in fresh if it.blocks and search_lexemes.matches(said(it.blocks), asked)]
    before = {it.message for it in fresh}  # perhaps put into the index in between
    return titled + (fresh + [it for it in kept if it.message not in before])[:MOST]


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
