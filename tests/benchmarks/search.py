"""How long a search takes among many people's messages, and PostgreSQL's plan for it.

    uv run python -m tests.benchmarks.search [--people 1000] [--messages 1000000] [--searches 1000]

On a throwaway PostgreSQL of its own, which takes some minutes to fill.
"""

# ruff: noqa: E402

from __future__ import annotations

import argparse
import hashlib
import random
import time

from tests.benchmarks import throwaway_django

throwaway_django.set_up()

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from tqdm import tqdm

from streams import search_lexemes, search_query
from streams.models import Conversation, Message

WORDS = 20_000
EACH = 30  # words of a message
TURNS = 50  # of a conversation

# Some words are said far more often than others, as in any language.
TEXT = """(
    SELECT string_agg(
               translate(left(md5(which::text), 3 + which %% 6), %(digits)s, %(letters)s), ' ')
      FROM (SELECT floor(power(%(words)s, random()))::int AS which
              FROM generate_series(1, %(each)s + 0 * m.id)) AS it)"""
DIGITS, LETTERS = "0123456789", "ghijklmnop"

# As a worker leaves ended turns, but for the log, which no search reads.
FILL = f"""
CREATE TEMP TABLE person AS
    SELECT * FROM unnest(%(people)s::bigint[], %(marks)s::text[]) AS p(id, mark);

INSERT INTO streams_message (uuid, conversation_id, seq, role, blocks, created_at)
SELECT gen_random_uuid(), m.id, 10 * turn + nth, role, jsonb_build_array(jsonb_build_object(
           'index', 0, 'kind', 'text', 'text', {TEXT})), now()
  FROM generate_series(1, %(turns)s) AS turn, streams_conversation m,
       (VALUES (1, 'user'), (2, 'assistant')) AS r(nth, role);

INSERT INTO streams_run (uuid, conversation_id, prompt_id, answer_id, model, status, rank, attempt,
                         queued_at, ended_at, folded_at, usage, stop_reason, error_code,
                         error_message, retryable)
SELECT gen_random_uuid(), m.conversation_id, m.id, a.id, 'scripted:demo', 'completed', 0, 1,
       now(), now(), now(), '{{}}', '', '', '', false
  FROM streams_message m
  JOIN streams_message a ON a.conversation_id = m.conversation_id AND a.seq = m.seq + 1
 WHERE m.role = 'user';

INSERT INTO streams_searchentry (message_id, words)
SELECT m.id, array_to_tsvector((
           SELECT array_agg(DISTINCT p.mark || ':' || word)
             FROM unnest(string_to_array(m.blocks->0->>'text', ' ')) AS word))
  FROM streams_message m
  JOIN streams_conversation c ON c.id = m.conversation_id JOIN person p ON p.id = c.owner_id;

ANALYZE
"""


def word(chance):
    which = int(WORDS ** chance.random())
    letters = hashlib.md5(str(which).encode()).hexdigest()[: 3 + which % 6]
    return letters.translate(str.maketrans(DIGITS, LETTERS))


def people(count):
    person = get_user_model()
    return person.objects.bulk_create([person(username=f"reader{n}") for n in range(count)])


def fill(owners, messages):
    known = {
        "words": WORDS,
        "digits": DIGITS,
        "letters": LETTERS,
        "people": [owner.pk for owner in owners],
        "marks": [search_lexemes.mark_of(str(owner.pk)) for owner in owners],
        "turns": TURNS,
        "each": EACH,
    }
    each = max(1, messages // (2 * TURNS * len(owners)))
    Conversation.objects.bulk_create(
        Conversation(owner=owner, title=f"Some words {n}", model="scripted:demo")
        for n in range(each)
        for owner in owners
    )
    with connection.cursor() as cursor:
        for statement in tqdm(FILL.split(";"), unit=" steps"):
            cursor.execute(statement, known)


def searches(owners, count, chance):
    """Yields people with one to three words of the texts, the last of them unfinished."""
    for _ in range(count):
        *whole, last = (word(chance) for _ in range(chance.randint(1, 3)))
        yield chance.choice(owners), " ".join([*whole, last[:3]])


def timed(owner, asked):
    began = time.perf_counter()
    found = search_query.find(owner, asked)
    return 1000 * (time.perf_counter() - began), len(found)


def plan(owner, asked):
    known = {
        "owner": owner.pk,
        "query": search_lexemes.query(str(owner.pk), asked),
        "most": search_query.MOST,
        "each": search_query.EACH,
    }
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF) {search_query.IN_TEXT}", known)
        return "\n".join(line for (line,) in cursor.fetchall())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--searches", type=int, default=1000)
    given = parser.parse_args()
    call_command("migrate", verbosity=0)
    chance = random.Random(1)
    owners = people(given.people)
    fill(owners, given.messages)
    asked = list(searches(owners, given.searches, chance))
    times, counts = zip(*[timed(*each) for each in asked], strict=True)
    times = sorted(times)
    p50, p95, p99 = (times[int(len(times) * share)] for share in (0.5, 0.95, 0.99))
    print(f"{Message.objects.count():,} messages of {len(owners):,} people, {len(asked)} searches")
    print(f"p50 {p50:.1f}  p95 {p95:.1f}  p99 {p99:.1f}  slowest {times[-1]:.1f} ms")
    print(f"found {sum(counts) / len(counts):.1f} each, nothing {counts.count(0)} times")
    print(plan(*asked[0]))


if __name__ == "__main__":
    main()
