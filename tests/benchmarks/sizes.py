"""How large the log is before and after compaction, and whether it stays so.

    uv run python -m tests.benchmarks.sizes [--answers 1000] [--tokens 1000]

On a throwaway PostgreSQL of its own.
"""

# ruff: noqa: E402

from __future__ import annotations

import argparse
import asyncio
import random
import time

from tests.benchmarks import throwaway_django

throwaway_django.set_up()

from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import connection

from streams import log
from streams.models import Event
from streams.postgres.connections import INDEXED, connect
from streams.worker import retention
from tests.factories import ConversationFactory, UserFactory
from tests.views.answers import begin

WORDS = ("the", "of", "and", "sentence", "it", "a", "language", "was", "small", "from", "with")
ANSWERS_EACH = 10  # in one conversation


@sync_to_async
def asked(conversation):
    _, run, _ = conversation.post("How large does this become?", None)
    begin(run)
    return run


def told(run, tokens, chance):
    yield run.event("block.started", index=0, kind="text")
    for _ in range(tokens):
        yield run.event("block.delta", index=0, text=f" {chance.choice(WORDS)}")
    yield run.event("block.ended", index=0)
    yield run.event("run.completed", stop_reason="end_turn", usage={"output_tokens": tokens})


async def answer(raw, owner, answers, tokens):
    """Conversations of ten turns, one after another, as a worker writes them."""
    chance = random.Random(1)
    for n in range(answers):
        if n % ANSWERS_EACH == 0:
            conversation = await sync_to_async(ConversationFactory)(owner=owner)
        run = await asked(conversation)
        events = list(told(run, tokens, chance))
        change = log.RunChange(run.pk, status="completed", blocks=[], answer_id=run.answer_id)
        for at in range(0, len(events), 500):
            last = at + 500 >= len(events)
            ending = change if last else None
            await log.append(
                raw, [log.Append(conversation.pk, events[at : at + 500], None, ending)]
            )


@sync_to_async
def sizes():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_relation_size(c.oid), coalesce(pg_total_relation_size(c.reltoastrelid), 0),"
            " pg_indexes_size(c.oid) FROM pg_class c WHERE relname = %s",
            [Event._meta.db_table],
        )
        return cursor.fetchone()


async def show(what):
    rows = await Event.objects.acount()
    table, toast, indexes = (size / 2**20 for size in await sizes())
    total = table + toast + indexes
    print(f"{what:<34}{rows:>10}{table:>9.1f}{toast:>9.1f}{indexes:>9.1f}{total:>9.1f}", flush=True)


async def vacuum(raw):
    await raw.execute("VACUUM (ANALYZE) streams_event")


async def compact(raw):
    began, rows = time.monotonic(), 0
    async for done in retention.compact(raw, 0, 20):
        rows += done.rows
    took = time.monotonic() - began
    print(f"    compacted {rows} rows away in {took:.1f} s: {rows / took:,.0f} rows a second")


async def measure(answers, tokens):
    owner = await sync_to_async(UserFactory)()
    columns = ("rows", "table", "text", "indexes", "MiB")
    print(f"{answers} answers of {tokens} tokens".ljust(34) + "".join(f"{c:>9}" for c in columns))
    async with await connect("sizes", **INDEXED) as raw:
        await answer(raw, owner, answers, tokens)
        await vacuum(raw)
        await show("as streamed")
        await compact(raw)
        await vacuum(raw)
        await show("compacted and vacuumed")
        for again in range(2):
            await answer(raw, owner, answers, tokens)
            await compact(raw)
            await vacuum(raw)
            await show(f"{again + 2} times as many answers")
        await raw.execute("VACUUM FULL streams_event")
        await show("rewritten (VACUUM FULL)")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=1000)
    parser.add_argument("--tokens", type=int, default=1000)
    given = parser.parse_args()
    call_command("migrate", verbosity=0)
    asyncio.run(measure(given.answers, given.tokens))


if __name__ == "__main__":
    main()
