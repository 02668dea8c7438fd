"""Asks the model for a title of a new conversation, once its first answer has ended.

The title is about the first prompt, even if that answer was stopped or failed. No answer and no
prompt waits for it, its time is short, and a title given by a person stays. If the model gives
nothing usable, the prompt's first words are the title.
"""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import aclosing, suppress
from dataclasses import dataclass

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from .. import log
from ..agents.deadline import contained
from ..conf import Settings
from ..log import file_references
from ..postgres.connections import blames_rows
from ..providers.base import (
    BlockDelta,
    BlockStarted,
    Kind,
    Prompt,
    ProviderError,
    Turn,
    UnknownModel,
)
from ..providers.registry import recites, resolve
from ..text_cleaning import opening_of
from . import quarantine
from .claimed_run import Claimed
from .conversation_history import said

logger = logging.getLogger(__name__)

LONGEST = 60
MOST_WORDS = 10
ENOUGH = 200  # characters of an answer that should have been a few words
QUOTED = 1500  # characters of the prompt, and of its answer, that the model is shown
TOKENS = 500  # room for a model that thinks first
ASKED = """\
Give this conversation a title of two to six words, in its own language. Answer with the title \
alone: no quotes, no full stop, no explanation.

<prompt>
{prompt}
</prompt>"""
ANSWERED = """

<answer>
{answer}
</answer>"""

LABEL = re.compile(r"^\W*title\W*:", re.IGNORECASE)
WITHIN_QUOTES = re.compile(r"[\"'“”‘’«»„]([^\"“”«»„]+)[\"'“”‘’«»]")
SPOILT = re.compile(
    r"""  ^(?:sure|certainly|of\ course|here(?:'s|’s|\ is)|as\ an\ ai|i['’]m|i\ (?:am|can|will))\b
        | [!?]\ \S | \w{4,}\.\ \S  # a second sentence
        | (.{3,}?)\1\1 | \b(\w+)(?:\W+\2\b){2}  # going round in circles
        | ^(?:(?:yes|no|ok|okay|sure|none|null|n/a|untitled|title)\b\W*)+$  # an answer, no name
        | </?(?:prompt|answer)>  # our own question
    """,
    re.IGNORECASE | re.VERBOSE,
)

# The first prompt a model was asked, with its newest answer. Nothing when there is a title
# already, or has been one; a run that ended with its worker lost leaves it to the next.
UNTITLED = f"""
SELECT prompt.blocks, answer.blocks, ended.status
  FROM streams_run ended
  JOIN streams_conversation c ON c.id = ended.conversation_id
  JOIN LATERAL (
       SELECT r.prompt_id, r.answer_id FROM streams_run r
        WHERE r.conversation_id = c.id AND r.attempt > 0
        ORDER BY r.prompt_id, r.id DESC LIMIT 1
  ) AS first ON true
  JOIN streams_message prompt ON prompt.id = first.prompt_id
  JOIN streams_message answer ON answer.id = first.answer_id
 WHERE ended.id = %s AND ended.status IN ('completed', 'cancelled', 'failed')
   AND c.title = '' AND c.deleted_at IS NULL AND NOT {log.WAS_NAMED}
"""

# Judged on the row that the statement locks: a person may have named it while the model was asked.
NAME = f"""
WITH numbered AS (
    UPDATE streams_conversation SET title = %(title)s, last_seq = last_seq + 1
     WHERE id = %(conversation)s AND title = '' AND deleted_at IS NULL
    RETURNING id, owner_id, last_seq AS seq, NULL::bigint AS run_id,
              'conversation.updated' AS type, jsonb_build_object('title', title) AS data
), {log.WRITTEN}
SELECT {log.TOLD}
"""


@dataclass(slots=True)
class Titles:
    pool: AsyncConnectionPool
    conf: Settings
    asking: int = 0

    async def give(self, run: Claimed) -> None:
        """Titles the conversation of an ended run, unless it has had a title."""
        if not self.conf.title_within or run.titled:
            return
        try:
            await contained(self._give(run))
        except psycopg.Error as error:
            logger.warning("no title for the conversation of run %s: %s", run.uuid, error)
            if blames_rows(error):
                await self._set_aside(run, error)
        except Exception:
            logger.exception("no title for the conversation of run %s", run.uuid)

    async def _give(self, run: Claimed) -> None:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(UNTITLED, [run.run_id])
            row = await cursor.fetchone()
        if row is None:
            return
        asked, answered, status = row
        prompt, answer = said(asked), said(answered)
        names = ", ".join(each["name"] for each in file_references.of_blocks(asked))
        prompt = prompt if prompt.strip() else names
        # What has just failed would fail again.
        title = "" if status == "failed" else await self._asked(run.model, prompt, answer)
        if title := title or first_words(prompt):
            async with self.pool.connection() as connection:
                await keep(connection, run.conversation_id, title)

    async def _set_aside(self, run: Claimed, error: Exception) -> None:
        with suppress(psycopg.OperationalError):
            async with self.pool.connection() as connection:
                pk = run.conversation_id
                await quarantine.set_aside(connection, pk, quarantine.Act.TITLE, error)

    async def _asked(self, name: str, prompt: str, answer: str) -> str:
        """Returns the model's title, or nothing; if many are being asked for, it does not wait."""
        if recites(name) or self.asking >= self.conf.titles_at_once:
            return ""
        self.asking += 1
        try:
            async with asyncio.timeout(self.conf.title_within):
                return usable(await answered(name, prompt, answer))
        except (ProviderError, UnknownModel, TimeoutError) as error:
            logger.info("no title from %s: %r", name, error)
            return ""
        finally:
            self.asking -= 1


async def answered(name: str, prompt: str, answer: str) -> str:
    provider, model = resolve(name)
    asked = ASKED.format(prompt=prompt[:QUOTED])
    if answer:
        asked += ANSWERED.format(answer=answer[:QUOTED])
    text, speaking = "", set()
    question = Prompt(model=model, turns=[Turn.of("user", asked)], max_tokens=TOKENS)
    async with aclosing(provider.stream(question)) as events:
        async for event in events:
            if isinstance(event, BlockStarted) and event.kind is Kind.TEXT:
                speaking.add(event.index)
            elif isinstance(event, BlockDelta) and event.index in speaking:
                text += event.text[: ENOUGH + 1]
            if len(text) > ENOUGH:
                break
    return text[: 2 * ENOUGH]  # one delta may be of any length


def usable(text: str) -> str:
    """Returns the title in a model's answer, or "" if it is none, as small models' often are not.

    An answer that chats, goes on, repeats itself or writes code is refused.
    """
    lines = [" ".join(printable(line).split()) for line in text.splitlines() if line.strip()]
    line, labelled = LABEL.subn("", lines[0] if lines else "")
    if "```" in text or (len(lines) > 1 and not labelled):
        return ""
    line = unquoted(line)
    short = len(line) <= LONGEST and len(line.split()) <= MOST_WORDS
    return line if short and any(map(str.isalnum, line)) and not SPOILT.search(line) else ""


def unquoted(line: str) -> str:
    """Removes quotation marks around the whole title; those within stay."""
    line = line.strip("*_`# ").rstrip(". ")
    around = WITHIN_QUOTES.fullmatch(line)
    return around[1].rstrip(". ") if around else line


def printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def first_words(prompt: str) -> str:
    words = " ".join(printable(opening_of(prompt)).split())
    if len(words) <= LONGEST:
        return words
    cut = words[: LONGEST - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut) + "…"


async def keep(connection: AsyncConnection, conversation_id: int, title: str) -> None:
    await connection.execute(NAME, {"title": title, "conversation": conversation_id})
