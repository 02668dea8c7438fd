"""Summaries of a person's conversations, newest first, for pages and for the live feed.

One query serves any number of people, so a page and the feed after it can never differ. Each gets
a page at most; the first one also has up to 50 that are pinned and 200 that wait for the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext

from . import log
from .text_cleaning import opening_of
from .user_model import key_type

# Answers end nearly in the order in which they were asked for: so many of the newest hold the one
# that ended last.
ENDED_AMONG = 50


def of_each(which: str) -> str:
    """Builds the query of `people`'s summaries: `which` conversations of one person, in what order.

    A prompt that was taken back before its answer began is not used as a name.
    """
    return f"""
SELECT person.key, c.id, c.uuid::text, c.title, c.model, c.updated_at,
       (SELECT left(m.blocks->0->>'text', 200) FROM streams_message m
         WHERE m.conversation_id = c.id AND m.role = 'user'
           AND EXISTS (SELECT FROM streams_run r WHERE r.prompt_id = m.id
                          AND (r.attempt > 0 OR r.status IN ('queued', 'steered')))
         ORDER BY m.seq LIMIT 1),
       c.active_run_id IS NOT NULL OR EXISTS (SELECT FROM streams_run r
         WHERE r.conversation_id = c.id AND r.status = 'running'),
       EXISTS (SELECT FROM streams_run r WHERE r.conversation_id = c.id AND r.status = 'queued'),
       c.undecided > 0,
       greatest((SELECT m.seq FROM streams_message m
                  WHERE m.conversation_id = c.id AND m.role = 'user' ORDER BY m.seq DESC LIMIT 1),
                last.seq, 0)
       > coalesce((SELECT max(s.read_seq) FROM streams_devicesession s
                    WHERE s.conversation_id = c.id), 0),
       coalesce(last.failed, false), c.archived_at IS NOT NULL, c.pinned_at IS NOT NULL, c.ahead
  FROM (SELECT key, key::{key_type()} AS id FROM unnest(%(people)s::text[]) AS key) AS person
  JOIN LATERAL ({which}) AS c ON true
  LEFT JOIN LATERAL (
       SELECT {log.TERMINAL_SEQ} AS seq, r.status = 'failed' AS failed
         FROM (SELECT * FROM streams_run newest WHERE newest.conversation_id = c.id
                ORDER BY newest.id DESC LIMIT {ENDED_AMONG}) AS r
        WHERE r.ended_at IS NOT NULL AND r.status <> 'steered'
        ORDER BY r.ended_at DESC LIMIT 1
  ) AS last ON true
 ORDER BY person.key, c.updated_at DESC, c.id DESC
"""


OWN = "FROM streams_conversation c WHERE c.owner_id = person.id AND c.deleted_at IS NULL"
MINE = f"SELECT c.*, false AS ahead {OWN}"
LATEST = "ORDER BY c.updated_at DESC, c.id DESC LIMIT"
PINNED_MOST, WAITING_MOST = 50, 200
PAGE = f"""(%(pk)s::bigint IS NULL
               OR (c.updated_at, c.id) < (%(moment)s::timestamptz, %(pk)s::bigint))
        {LATEST} %(most)s"""
FIRST = f"SELECT c.*, true AS ahead {OWN} AND c.archived_at IS NULL AND c.pinned_at"
PINNED = f"{FIRST} IS NOT NULL {LATEST} {PINNED_MOST}"
WAITING = f"{FIRST} IS NULL AND c.undecided > 0 {LATEST} {WAITING_MOST}"
AHEAD = f"(({PINNED}) UNION ALL ({WAITING}))"
# With its first page those that are pinned or wait for a decision, however long ago; what is left
# out there, as there are too many, has its place among all others.
LISTED = f"""(SELECT * FROM {AHEAD} AS first WHERE %(pk)s::bigint IS NULL)
  UNION ALL ({MINE} AND c.archived_at IS NULL
             AND (c.pinned_at IS NULL AND c.undecided = 0
                  OR c.id <> ALL (ARRAY(SELECT first.id FROM {AHEAD} AS first)))
             AND {PAGE})"""
ARCHIVED = f"{MINE} AND c.archived_at IS NOT NULL AND {PAGE}"
ONE = f"{MINE} AND c.id = %(pk)s"

ARCHIVED_MARK = 5  # where it stands behind the name
UNTOLD = ("pk", "ahead")


@dataclass(frozen=True, slots=True)
class ListedConversation:
    """One conversation in the list; an untitled one goes by its first words.

    It is unread while no device has read up to its newest prompt or the end of its newest
    answer: a title or a token is nothing one has to go and read. `failed` is that newest answer.
    It is waiting while a tool's call waits for a decision, and ahead if it comes with the first
    page whatever its place by time is.
    """

    pk: int
    id: str
    title: str
    model: str
    updated_at: datetime
    name: str
    day: str
    running: bool
    queued: bool
    waiting: bool
    unread: bool
    failed: bool
    archived: bool
    pinned: bool
    ahead: bool

    @property
    def group(self) -> str:
        """Returns the conversation's heading in the list: `now` for what goes on or wants to be
        seen, then `pinned`, then its `day`. The sidebar's scripts have the same rules.
        """
        if self.archived:
            return "archived"
        if self.waiting or self.running or self.queued or self.unread:
            return "now"
        return "pinned" if self.pinned else self.day

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name not in UNTOLD}


def list_parameters(
    people: Sequence[str], most: int, moment: datetime | None = None, pk: int | None = None
) -> dict[str, Any]:
    """Returns the query's parameters: `most` entries each, after the one that stood at `moment`."""
    return {"people": list(people), "most": most, "moment": moment, "pk": pk}


def listed_by_person(rows: Iterable[Sequence[Any]]) -> dict[str, list[ListedConversation]]:
    """Groups the rows by person, in order; a person without any is left out."""
    today = timezone.localdate()
    found: dict[str, list[ListedConversation]] = {}
    for person, *row in rows:
        found.setdefault(person, []).append(line(row, today))
    return found


def line(row: Sequence[Any], today: date) -> ListedConversation:
    pk, id, title, model, updated_at, opening, *marks = row
    name = called(title, opening)
    day = "archived" if marks[ARCHIVED_MARK] else day_of(timezone.localdate(updated_at), today)
    return ListedConversation(pk, id, title, model, updated_at, name, day, *marks)


def called(title: str, opening: str | None) -> str:
    """Its title, or its first words; empty where there are none."""
    return title or opening_of(opening or "")[:80]


def name_of(title: str, opening: str | None) -> str:
    """Returns a conversation's name as people read it, in their language."""
    return called(title, opening) or gettext("New conversation")


def day_of(day: date, today: date) -> str:
    """Names the day as people do."""
    if day >= today:
        return "today"
    if day == today - timedelta(days=1):
        return "yesterday"
    return "week" if day > today - timedelta(days=7) else f"{day:%Y-%m}"
