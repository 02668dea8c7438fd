"""An open stream catches up, follows new events, sends pings and ends properly."""

from __future__ import annotations

import asyncio
import json
import signal

import psutil
import pytest
from asgiref.sync import sync_to_async
from django.db import connection as database
from django.db import transaction

from streams import log
from streams.log import locked_appending, transcript
from streams.models import Conversation
from tests.client import Client, header_of
from tests.processes import Web

pytestmark = pytest.mark.django_db(transaction=True)


@sync_to_async
def append(conversation, *events):
    with transaction.atomic():
        Conversation.lock(conversation.pk).append(*events)


def titles(*numbers):
    return [log.NewEvent("conversation.updated", {"title": str(n)}) for n in numbers]


async def collect(client, url, path, until, **options):
    """Frames up to the first for which `until` holds."""
    frames = []
    async with asyncio.timeout(20):
        async for event in client.read(url, path, **options):
            frames.append(event)
            if until(event):
                return frames
    return frames


def is_sync(event):
    return event.event == "sync"


async def test_history_is_rolled_up_then_synced_then_live(standing, conversation, laptop):
    web = standing()
    client = await Client.of(laptop)
    _, run, _ = await sync_to_async(conversation.post)("Hello", laptop)
    words = [run.event("block.delta", index=0, text=f"{n} ") for n in range(3000)]
    await append(conversation, run.event("run.started", attempt=1))
    await append(conversation, run.event("block.started", index=0, kind="text"), *words)
    path = f"/c/{conversation.uuid}/events"
    frames = await collect(client, web.url, path, is_sync)
    assert [f.event for f in frames].count("block.delta") == 1
    sync = json.loads(frames[-1].data)
    assert sync["head"] == client.transcript.head == 3004
    assert len(sync["epoch"]) == 32

    reading = asyncio.create_task(
        collect(client, web.url, path, lambda e: e.event == "block.delta")
    )
    await append(conversation, run.event("block.delta", index=0, text="live"))
    await reading
    rows = await sync_to_async(log.rows_after)(conversation.pk)
    assert client.transcript.as_dict() == transcript.fold(rows).as_dict()


async def test_a_cursor_beyond_the_head_is_told_to_begin_again(standing, conversation, laptop):
    web = standing()
    client = await Client.of(laptop)
    await append(conversation, *titles(1, 2))
    client.transcript.head = 99
    frames = []
    async with (
        client.http(web.url) as http,
        http.stream("GET", f"/c/{conversation.uuid}/events?after=99") as response,
    ):
        async for line in response.aiter_lines():
            frames.append(line)
            if line == "event: sync":
                break
    kinds = [line for line in frames if line.startswith(("id:", "event:"))]
    assert kinds == [
        "event: resync",
        "id: 1",
        "event: conversation.updated",
        "id: 2",
        "event: conversation.updated",
        "event: sync",
    ]


async def test_a_quiet_stream_beats(standing, conversation, laptop):
    web = standing(STREAMS='{"ping": 1}')
    client = await Client.of(laptop)
    path = f"/c/{conversation.uuid}/events"
    frames = await collect(client, web.url, path, lambda e: e.event == "ping")
    assert [f.event for f in frames] == ["sync", "ping"]


async def test_one_runs_stream_holds_that_run_alone_and_ends_with_it(
    standing, conversation, laptop
):
    web = standing()
    client = await Client.of(laptop)
    client.gapless = False
    _, run, _ = await sync_to_async(conversation.post)("One", laptop)
    await sync_to_async(conversation.post)("Two", laptop)
    reading = asyncio.create_task(
        collect(client, web.url, f"/runs/{run.uuid}/events", lambda e: False)
    )
    await append(conversation, *titles(1))
    await sync_to_async(run.cancel)(laptop)
    frames = await reading
    told = [frame.event for frame in frames if not is_sync(frame)]
    assert told == ["run.queued", "run.cancelled"]


async def test_a_deleted_conversation_ends_its_streams(standing, conversation, laptop):
    web = standing()
    client = await Client.of(laptop)
    path = f"/c/{conversation.uuid}/events"
    frames = []
    async for event in client.read(web.url, path):
        frames.append(event.event)
        if is_sync(event):
            await sync_to_async(conversation.delete_softly)(laptop)
    assert frames == ["sync", "gone"]


async def test_a_lost_listen_connection_delays_and_never_loses(spawn, conversation, laptop):
    web = spawn(Web, STREAMS='{"stream_rescan": 0.5}')
    client = await Client.of(laptop)
    heard = []
    async with asyncio.timeout(20):
        async for event in client.read(web.url, f"/c/{conversation.uuid}/events"):
            heard.append(event.event)
            if len(heard) == 6:
                break
            await sync_to_async(cut_the_hubs_connections)()
            await append(conversation, *titles(len(heard)))
    assert client.seqs == [1, 2, 3, 4, 5]


async def test_a_lost_notification_delays_and_never_loses(
    standing, conversation, laptop, monkeypatch
):
    """The connection stands and hears others; only this one signal never came."""
    web = standing(STREAMS='{"stream_rescan": 0.5}')
    client = await Client.of(laptop)
    lost = locked_appending.APPEND_LOCKED.replace("pg_notify('streams_log'", "pg_notify('nobody'")
    assert lost != locked_appending.APPEND_LOCKED
    monkeypatch.setattr(locked_appending, "APPEND_LOCKED", lost)
    async with asyncio.timeout(20):
        async for event in client.read(web.url, f"/c/{conversation.uuid}/events"):
            if client.seqs == [1, 2]:
                break
            if is_sync(event) or client.seqs:
                await append(conversation, *titles(len(client.seqs)))


def cut_the_hubs_connections():
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'chatstream %%'"
        )


async def test_sigterm_says_bye_and_exits_at_once(spawn, conversation, laptop):
    web = spawn(Web)
    clients = [await Client.of(laptop) for _ in range(20)]
    path = f"/c/{conversation.uuid}/events"
    synced = asyncio.Semaphore(0)

    async def follow(client):
        frames = []
        async for event in client.read(web.url, path):
            frames.append(event.event)
            if is_sync(event):
                synced.release()
        return frames

    following = [asyncio.create_task(follow(client)) for client in clients]
    for _ in clients:
        await synced.acquire()
    loop = asyncio.get_running_loop()
    asked = loop.time()
    web.send(signal.SIGTERM)
    assert await asyncio.gather(*following) == [["sync", "bye"]] * 20
    await asyncio.to_thread(web.popen.wait, 10)
    assert loop.time() - asked < 3
    assert web.popen.returncode in (0, -signal.SIGTERM)


async def test_a_thousand_streams_cost_no_thread_and_no_connection_each(
    spawn, conversation, laptop, capsys
):
    web = spawn(Web)
    process = psutil.Process(web.popen.pid)
    client = await Client.of(laptop)
    port = int(web.url.rpartition(":")[2])
    warm = [await open_stream(port, client, conversation) for _ in range(20)]
    before = process.memory_info().rss
    streams = [await open_stream(port, client, conversation) for _ in range(1000)]
    threads = process.num_threads()
    each = (process.memory_info().rss - before) / 1000 / 1024
    held = await sync_to_async(connections_since)(process.create_time())
    with capsys.disabled():
        print(f"\n1000 streams: {threads} threads, {held} connections, {each:.1f} KiB each")
    assert threads <= 12
    assert held <= 6
    assert each <= 25
    await append(conversation, *titles(1))
    for reader, writer in (*warm, *streams):
        await reader.readuntil(b"conversation.updated")
        writer.close()


async def open_stream(port, client, conversation):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    writer.write(
        f"GET /c/{conversation.uuid}/events HTTP/1.1\r\nHost: localhost\r\n"
        f"Cookie: {header_of(client.cookies)}\r\n\r\n".encode()
    )
    await reader.readuntil(b"event: sync")
    return reader, writer


def connections_since(start):
    """Counts the open connections to PostgreSQL that were opened since a process began."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_start > to_timestamp(%s)",
            [start],
        )
        return cursor.fetchone()[0]
