"""Group commit against real connections that are cut."""

from __future__ import annotations

import asyncio
import dataclasses
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from streams import log
from streams.conf import conf
from streams.models import Event, Run
from streams.postgres.connections import connect
from streams.providers.base import Code
from streams.worker import abandoned_runs, claim
from streams.worker.lease import Lease, LeaseLost, StorageFailed
from streams.worker.run_buffer import RunBuffer
from streams.worker.writer import Writer
from tests.factories import ConversationFactory, WorkerFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def run(conversation, laptop):
    """A claimed run of an own worker."""
    await sync_to_async(conversation.post)("Hello", laptop)
    worker = await sync_to_async(WorkerFactory)()
    async with await connect("test") as connection:
        [claimed] = await claim.claim(connection, worker.pk, 1)
    yield claimed
    await sync_to_async(connections.close_all)()


@pytest.fixture
async def writer():
    writer = Writer(conf())
    running = asyncio.create_task(writer.run())
    yield writer
    writer.close()
    await running


def lease_of(run) -> Lease:
    return Lease(run.conversation_id, run.run_id, run.token, run.head)


def delta(run, n: int) -> log.NewEvent:
    return run.event("block.delta", index=0, text=f"{n} ")


@sync_to_async
def said(run) -> str:
    rows = Event.objects.filter(run_id=run.run_id, type="block.delta").order_by("seq")
    return "".join(row.data["text"] for row in rows)


def numbers(upto: int) -> str:
    return "".join(f"{n} " for n in range(upto))


async def test_what_is_settled_is_committed_in_order(writer, run):
    lease = lease_of(run)
    for n in range(500):
        await writer.write(lease, delta(run, n))
    await writer.settle(lease)
    assert await said(run) == numbers(500)
    assert writer.flushes < 100, "one flush takes what had collected"


async def test_a_lease_that_was_taken_over_writes_nothing(writer, run):
    lease = lease_of(run)
    async with await connect("test") as other:
        await taken_over(other, run)
    await writer.write(lease, delta(run, 0))
    with pytest.raises(LeaseLost):
        await writer.settle(lease)
    with pytest.raises(LeaseLost):
        await writer.write(lease, delta(run, 1))
    with pytest.raises(LeaseLost):
        writer.write_now(lease, delta(run, 1), first_token=False)
    assert await said(run) == ""


async def test_a_busy_conversation_waits_while_others_go_on(writer, run, anna, phone):
    from tests.factories import ConversationFactory

    other = await sync_to_async(ConversationFactory)(owner=anna)
    await sync_to_async(other.post)("Hello", phone)
    worker = await sync_to_async(WorkerFactory)()
    async with await connect("test") as connection:
        [second] = await claim.claim(connection, worker.pk, 5)
    first_lease, second_lease = lease_of(run), lease_of(second)
    async with await connect("test") as holder, holder.transaction():
        await holder.execute(
            "SELECT FROM streams_conversation WHERE id = %s FOR NO KEY UPDATE",
            [run.conversation_id],
        )
        await writer.write(first_lease, delta(run, 0), delta(run, 1))
        await writer.write(second_lease, delta(second, 0))
        await writer.settle(second_lease)
        await writer.write(first_lease, delta(run, 2))
        assert await said(run) == ""
    await writer.settle(first_lease)
    assert await said(run) == numbers(3)


async def test_a_connection_killed_again_and_again_doubles_and_loses_nothing(writer, run):
    lease = lease_of(run)
    written = killed = 0

    async def produce():
        nonlocal written
        while killed < 5:
            await writer.write(lease, delta(run, written))
            written += 1
            await asyncio.sleep(0)
        await writer.settle(lease)

    producing = asyncio.create_task(produce())
    async with await connect("test") as killer:
        while killed < 8 and not producing.done():
            cursor = await killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'chatstream writer'"
            )
            killed += len(await cursor.fetchall())
            await asyncio.wait({producing}, timeout=0.03)
    await producing
    assert await said(run) == numbers(written)


async def test_a_statement_that_commits_after_its_client_has_gone_is_not_sent_again(writer, run):
    """The client's end is closed while the statement waits for a lock, so the server still
    commits it: the writer must wait for it and see that it did."""
    lease = lease_of(run)
    await writer.write(lease, delta(run, 0))
    await writer.settle(lease)
    async with await connect("test") as holder, holder.transaction():
        await holder.execute("LOCK TABLE streams_event IN SHARE MODE")
        await writer.write(lease, delta(run, 1))
        await waiting("wait_event_type = 'Lock'")
        sever(writer)
        await writer.write(lease, delta(run, 2))
        # Sent again while the lost one may still commit: only one of them may.
        await waiting("wait_event_type = 'Lock'", statements=2)
    await writer.settle(lease)
    assert await said(run) == numbers(3)


async def test_an_own_ending_that_committed_unseen_is_not_written_twice(writer, run):
    """It holds the conversation's row and waits for a number that another may take."""
    lease = lease_of(run)
    async with await connect("test") as holder:
        async with holder.transaction(force_rollback=True):
            await holder.execute(TAKEN, [run.conversation_id, run.head + 1])
            change = log.RunChange(run.run_id, status="completed", answer_id=run.answer_id)
            end = run.event("run.completed", stop_reason="end_turn", usage={})
            await writer.write(lease, delta(run, 0), end, ending=change)
            await waiting("wait_event_type = 'Lock'")
            sever(writer)
        with pytest.raises(LeaseLost):
            await writer.settle(lease)
    rows = await sync_to_async(log.run_rows)(run.conversation_id, run.run_id)
    assert [row.type for row in rows].count("run.completed") == 1


async def test_a_request_to_cancel_does_not_pass_for_rows_that_were_lost(run, phone):
    """It bears the run's name, and comes between the lost statement and the recovery."""
    await asyncio.to_thread(cancel, run.run_id, phone)
    known = run.conversation_id, run.run_id, run.head
    async with await connect("test") as connection:
        assert not await log.committed(connection, *known)
        rows = [delta(run, 0)]
        await log.append(connection, [log.Append(run.conversation_id, rows, run.token)])
        assert await log.committed(connection, *known)


async def test_a_raised_token_whose_answer_was_lost_is_known_again(run):
    held = [(run.conversation_id, run.run_id, run.token)]
    async with await connect("test") as connection:
        [first] = (await log.raise_tokens(connection, held)).values()
        [second] = (await log.raise_tokens(connection, held)).values()
        assert second[0] > first[0] > run.token
        await taken_over(connection, run)
        assert await log.raise_tokens(connection, held) == {}


async def test_a_conversation_that_is_gone_takes_its_run_with_it(writer, run):
    lease = lease_of(run)
    async with await connect("test") as connection:
        for table in ("run", "message"):
            await connection.execute(
                f"DELETE FROM streams_{table} WHERE conversation_id = %s", [run.conversation_id]
            )
        await connection.execute(
            "DELETE FROM streams_conversation WHERE id = %s", [run.conversation_id]
        )
        await writer.write(lease, delta(run, 0))
        with pytest.raises(LeaseLost):
            await asyncio.wait_for(writer.settle(lease), 5)
        await abandoned_runs.give_up(connection, run, Code.STORAGE)


async def test_a_run_is_given_up_though_its_conversation_is_locked_just_then(run):
    async with await connect("test") as holder, await connect("test") as connection:
        async with holder.transaction():
            await holder.execute(
                "SELECT FROM streams_conversation WHERE id = %s FOR NO KEY UPDATE",
                [run.conversation_id],
            )
            giving_up = asyncio.create_task(abandoned_runs.give_up(connection, run, Code.STORAGE))
            await waiting("wait_event_type = 'Lock'", "test")
        await giving_up
    rows = await sync_to_async(log.run_rows)(run.conversation_id, run.run_id)
    assert rows[-1].data["code"] == "storage"


async def test_what_waits_for_too_long_fails_its_run_alone(run):
    writer = Writer(dataclasses.replace(conf(), buffer_seconds=0.2))
    running = asyncio.create_task(writer.run())
    lease = lease_of(run)
    async with await connect("test") as holder, holder.transaction():
        await holder.execute(
            "SELECT FROM streams_conversation WHERE id = %s FOR NO KEY UPDATE",
            [run.conversation_id],
        )
        await writer.write(lease, delta(run, 0))
        with pytest.raises(StorageFailed):
            await asyncio.wait_for(writer.settle(lease), 5)
    writer.close()
    await running


async def test_what_a_writer_says_is_committed_is_on_the_disk(writer, run):
    lease = lease_of(run)
    await writer.write(lease, delta(run, 0))
    await writer.settle(lease)
    cursor = await writer.connection.execute("SHOW synchronous_commit")
    assert (await cursor.fetchone())[0] == "on"


async def test_rows_the_database_refuses_fail_their_own_run_alone(writer, run, monkeypatch):
    lease, poisoned = lease_of(run), lease_of(run)
    poisoned.conversation_id = run.conversation_id
    bad = log.NewEvent("x" * 40, {"run": run.uuid}, run_id=run.run_id)
    await writer.write(poisoned, bad)
    with pytest.raises(StorageFailed):
        await writer.settle(poisoned)
    await writer.write(lease, delta(run, 0))
    await writer.settle(lease)
    assert await said(run) == numbers(1)


async def test_what_exceeds_a_limit_of_the_program_fails_its_own_run_alone(
    writer, run, anna, phone
):
    """PostgreSQL says it in the class of errors (54) that psycopg takes for a server in trouble."""
    conversation = await sync_to_async(ConversationFactory)(owner=anna)
    await sync_to_async(conversation.post)("Hi", phone)
    worker = await sync_to_async(WorkerFactory)()
    async with await connect("test") as connection:
        [other] = await claim.claim(connection, worker.pk, 1)
    lease, poisoned = lease_of(other), lease_of(run)
    bad = delta(run, 0)
    object.__setattr__(bad, "json", "[" * 100_000 + "]" * 100_000)
    await writer.write(poisoned, bad)
    await writer.write(lease, delta(other, 0))
    async with asyncio.timeout(5):
        await writer.settle(lease)
        with pytest.raises(StorageFailed):
            await writer.settle(poisoned)
    assert await said(other) == numbers(1)


async def test_a_flush_is_bounded_in_bytes(run):
    """PostgreSQL takes a gigabyte at once and says so by hanging up, again and again."""
    writer = Writer(dataclasses.replace(conf(), flush_bytes=1000))
    lease = lease_of(run)
    for n in range(10):
        await writer.write(lease, run.event("block.delta", index=0, text=f"{n} ".ljust(300)))
    running = asyncio.create_task(writer.run())
    await writer.settle(lease)
    writer.close()
    await running
    assert writer.flushes >= 3
    assert (await said(run)).split() == numbers(10).split()


@pytest.mark.parametrize("by", ["buffer_events", "buffer_bytes"])
async def test_a_full_buffer_makes_producers_wait(run, by):
    """One of them before all of it is its own."""
    each = len(delta(run, 0).json) if by == "buffer_bytes" else 1
    writer = Writer(dataclasses.replace(conf(), **{by: 100 * each}))
    lease, *others = (lease_of(run) for _ in range(11))
    for n in range(10):
        await writer.write(lease, delta(run, n))
    one_more = asyncio.create_task(writer.write(lease, delta(run, 10)))
    await asyncio.wait({one_more}, timeout=0.05)
    assert not one_more.done()
    assert not writer.write_now(lease, delta(run, 10), first_token=False)
    *some, last = others
    for other in some:
        await writer.write(other, *[delta(run, 0)] * 10)
    too_much = asyncio.create_task(writer.write(last, delta(run, 0)))
    await asyncio.wait({too_much}, timeout=0.05)
    assert not too_much.done()
    assert not writer.write_now(last, delta(run, 0), first_token=False)
    too_much.cancel()
    for other in some:
        writer._fail(other, LeaseLost())
    running = asyncio.create_task(writer.run())
    await one_more
    writer.close()
    await running
    assert (writer._held, writer._held_bytes) == (0, 0)
    assert await said(run) == numbers(11)


def test_what_commits_with_an_event_counts_as_its_bytes():
    call = log.NewCall(uuid4(), 1, 0, "c", "c", "t", "x" * 100, uuid4(), "never", False, "approved")
    ended = log.EndedStep(1, "tool_call", {}, "p", "m", [{"y": "x" * 200}], 0)
    answer = log.AnswerSoFar(1, [{"index": 0, "kind": "text", "text": "x" * 400}], {})
    result = log.CallChange(call.uuid, "ok", ended=True, result="x" * 800)
    ledger = log.Ledger(ended=ended, answer=answer, made=[call], changed=result)
    step = log.NewEvent("step.ended", {}, 1, ledger)
    assert step.size == len("{}") + 100 + len('[{"y":""}]') + 200 + 400 + 800
    buffer = RunBuffer(1)
    assert buffer.add([step, step]) == buffer.size == 2 * step.size
    assert buffer.take(10, step.size) == step.size
    buffer.landed()
    assert buffer.size == step.size


async def taken_over(connection, run) -> None:
    await connection.execute(
        "UPDATE streams_conversation SET lease_token = lease_token + 1 WHERE id = %s",
        [run.conversation_id],
    )


def cancel(run_id: int, device) -> None:
    try:
        Run.objects.get(pk=run_id).cancel(device)
    finally:
        connections.close_all()


TAKEN = """
INSERT INTO streams_event (conversation_id, seq, type, data, created_at)
VALUES (%s, %s, 'block.delta', '{}', now())
"""


async def waiting(how: str, room: str = "writer", statements: int = 1) -> None:
    """Until so many statements of theirs wait at the server; looked at from a connection of its
    own, since within a transaction every look sees the same moment."""
    async with await connect("looking") as connection:
        for _ in range(500):
            cursor = await connection.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
                f" AND application_name = 'chatstream {room}' AND {how}"
            )
            if len(await cursor.fetchall()) >= statements:
                return
            await asyncio.sleep(0.01)
    raise AssertionError("they never got there")


def sever(writer: Writer) -> None:
    """Cut the client's end of its socket; the server does not look while it waits."""
    import os
    import socket

    assert writer.connection is not None
    with socket.socket(fileno=os.dup(writer.connection.fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)


async def test_a_server_that_turned_read_only_is_left_and_nothing_is_lost(writer, run):
    """As one does that fails over, or whose disk is full."""
    lease = lease_of(run)
    await writer.write(lease, delta(run, 0))
    await writer.settle(lease)
    await writer.connection.execute("SET default_transaction_read_only = on")
    await writer.write(lease, delta(run, 1))
    await writer.settle(lease)
    assert await said(run) == numbers(2)


async def test_a_zombies_lease_beside_its_successors_takes_nothing_from_it(run):
    """A statement knows a lease by its conversation, so each has a flush of its own."""
    writer = Writer(conf())
    lease, zombie = lease_of(run), lease_of(run)
    zombie.token -= 1
    end = log.RunChange(run.run_id, status="completed", answer_id=run.answer_id, blocks=[])
    last = run.event("run.completed", stop_reason="end_turn", usage={})
    await writer.write(lease, delta(run, 0), last, ending=end)
    await writer.write(zombie, delta(run, 1))
    running = asyncio.create_task(writer.run())
    await writer.settle(lease)
    with pytest.raises(LeaseLost):
        await writer.settle(zombie)
    writer.close()
    await running
    assert await said(run) == numbers(1)
    types = Event.objects.filter(run_id=run.run_id).order_by("-seq").values_list("type", flat=True)
    assert await sync_to_async(types.first)() == "run.completed"
