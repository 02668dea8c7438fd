"""Every process is replaced, one by one, while people read and write."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections import Counter

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from streams.log.transcript import fold
from tests.client import Client
from tests.processes import Process, Web, WorkerProcess

from .chaos.device import Device, ask
from .chaos.final_checks import read
from .chaos.people import populate
from .chaos.postgres import Postgres
from .chaos.prompting_person import Author
from .test_streams import open_stream

STREAMS, CONVERSATIONS = 36, 12
READY = {"uvicorn": r"startup complete", "gunicorn": r"(?s)(startup complete.*){2}"}


@pytest.mark.django_db(transaction=True)
async def test_a_web_process_leaves_within_three_seconds_however_many_follow(
    spawn, conversation, laptop, capsys
):
    web = spawn(Web)
    client = await Client.of(laptop)
    port = int(web.url.rpartition(":")[2])
    streams = [await open_stream(port, client, conversation) for _ in range(600)]
    asked = time.monotonic()
    web.send(signal.SIGTERM)
    for reader, _ in streams:
        await asyncio.wait_for(reader.readuntil(b"event: bye"), 5)
    await asyncio.to_thread(web.popen.wait, 10)
    took = time.monotonic() - asked
    for _, writer in streams:
        writer.close()
    with capsys.disabled():
        print(f"\n600 streams: bye and gone in {took:.1f} s")
    assert took < 3
    await sync_to_async(connections.close_all)()


def uvicorn(listening, **known):
    return Process(
        *("-m", "uvicorn", "chatstream.asgi:application", "--fd", "{0}"),
        *("--no-access-log", "--timeout-graceful-shutdown", "3"),
        descriptors=(listening,),
        **known,
    )


def gunicorn(listening, **known):
    return Process(
        *("-m", "gunicorn", "chatstream.asgi:application", "--bind", "fd://{0}"),
        *("--worker-class", "uvicorn_worker.UvicornWorker", "--workers", "2"),
        *("--graceful-timeout", "10"),
        descriptors=(listening,),
        **known,
    )


SERVERS = {"uvicorn": (uvicorn, 2), "gunicorn": (gunicorn, 1)}


@pytest.mark.timeout(170)
@pytest.mark.parametrize("server", SERVERS)
async def test_replacing_every_process_under_load_is_seen_by_nobody(server, migrated, capsys):
    start, count = SERVERS[server]
    async with Postgres(migrated) as postgres:
        people = await populate(postgres.url, CONVERSATIONS, "scripted:count-40@8")
        known = {"DATABASE_URL": postgres.url, "STREAMS": json.dumps({"ping": 1.0})}
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
            port, shared = listening.getsockname()[1], listening.fileno()
            os.set_inheritable(shared, True)
            webs = [await web(server, start, shared, known) for _ in range(count)]
            workers = [await asyncio.to_thread(WorkerProcess, **known) for _ in range(2)]
            devices, authors = crowd(people, port)
            leaving: list[Process] = []
            try:
                async with asyncio.TaskGroup() as everyone:
                    following = [everyone.create_task(device.live()) for device in devices]
                    writing = [everyone.create_task(author.live()) for author in authors]
                    await until(lambda: all(device.counts["sync"] for device in devices))
                    quiet(devices)
                    began = time.monotonic()
                    await replace_webs(server, start, shared, known, webs, leaving)
                    await replace_workers(known, workers, leaving)
                    took = time.monotonic() - began
                    for task in writing:
                        task.cancel()
                    await all_there(postgres, devices, port)
                    for task in following:
                        task.cancel()
            finally:
                for process in (*webs, *workers, *leaving):
                    if process.popen.poll() is None:
                        # Not SIGKILL: gunicorn's workers outlive a master that is killed.
                        process.stop()
        logs = await read(postgres)
    counted = sum((device.counts for device in devices), Counter())
    posted = sum((author.counts for author in authors), Counter())
    silence = max(device.longest_silence for device in devices)
    with capsys.disabled():
        print(
            f"\n{server}: every process replaced in {took:.0f} s under {len(devices)} streams;"
            f" longest silence {silence:.1f} s; {counted['bye']} byes, errors seen"
            f" {counted['lost'] + counted['silent']}; {posted['prompts']} prompts,"
            f" {posted['sent again']} sent again"
        )
    assert counted["bye"] >= len(devices), "everyone was moved, and told"
    assert {name for name in counted if name.startswith("answered")} == {"answered 200"}
    assert counted["lost"] == counted["silent"] == 0
    assert posted["sent again"] == 0
    for device in devices:
        assert device.transcript.as_dict() == fold(logs[device.conversation].rows).as_dict()
    statuses = Counter(s for log in logs.values() for s in log.runs.values())
    assert set(statuses) <= {"completed", "cancelled"}, statuses


async def web(server, start, shared, known):
    process = await asyncio.to_thread(start, shared, **known)
    await asyncio.to_thread(process.wait_for, READY[server], 90)
    return process


def crowd(people, port):
    devices, authors = [], []
    for person in people:
        for uuid in person["conversations"]:
            own = [
                Device(f"{uuid} {n}", person["cookies"][n % 2], uuid, [port])
                for n in range(STREAMS // CONVERSATIONS)
            ]
            devices += own
            authors.append(Author(uuid, person["cookies"][0], own[0]))
    for device in devices:
        device.calm, device.dead_link = True, 25.0  # as the page's own
    return devices, authors


def quiet(devices):
    for device in devices:
        device.longest_silence = 0.0


async def until(check, within=60):
    async with asyncio.timeout(within):
        while not check():
            await asyncio.sleep(0.05)


async def replace_webs(server, start, shared, known, webs, leaving):
    """The new one first: gunicorn's own reload sends the old away before the new can answer."""
    for old in list(webs):
        webs.append(await web(server, start, shared, known))
        webs.remove(old)
        leaving.append(old)
        await leave(old, within=3)


async def replace_workers(known, workers, leaving):
    for old in list(workers):
        workers.append(await asyncio.to_thread(WorkerProcess, **known))
        workers.remove(old)
        leaving.append(old)
        assert await leave(old, within=30) == 0


async def leave(process, within):
    asked = time.monotonic()
    code = await asyncio.to_thread(process.stop)
    assert time.monotonic() - asked < within
    return code


async def all_there(postgres, devices, port):
    async with asyncio.timeout(60):
        while await postgres.query("SELECT 1 FROM streams_run WHERE ended_at IS NULL"):
            await asyncio.sleep(0.1)
    heads = dict(await postgres.query("SELECT uuid::text, last_seq FROM streams_conversation"))
    await until(lambda: all(d.transcript.head == heads[d.conversation] for d in devices))
    assert (await ask(port, "GET", "/c/", devices[0].cookies))[0] == 200
