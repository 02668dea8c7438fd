"""PostgreSQL goes away and comes back, and all processes go on without a restart."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from streams.log.transcript import fold
from streams.postgres.connections import connect
from tests.client import Client
from tests.processes import Web, WorkerProcess

from .chaos.device import Device, ask
from .chaos.final_checks import read
from .chaos.people import populate
from .chaos.postgres import Postgres

pytestmark = pytest.mark.timeout(170)

COUNTING = "scripted:count-300@60"  # five seconds


class Place:
    """One web process, one worker, one device that follows one conversation."""

    def __init__(self, postgres, web, worker, device):
        self.postgres, self.web, self.worker, self.device = postgres, web, worker, device
        self.port = device.ports[0]
        self.path = f"/c/{device.conversation}/"

    async def post(self):
        body = {"content": "Count"}
        status, answer = await ask(
            self.port, "POST", f"{self.path}messages", self.device.cookies, body
        )
        assert status == 201
        return answer["run"]["id"]

    def state(self, run):
        return self.device.transcript.runs.get(run)

    def words(self):
        return " ".join(b["text"] for m in self.device.transcript.messages for b in m.blocks)

    async def until(self, check, within=40):
        async with asyncio.timeout(within):
            while not check():
                await asyncio.sleep(0.02)


@asynccontextmanager
async def place(migrated, **streams):
    known = {"STREAMS": json.dumps({"ping": 0.5, "stream_rescan": 1.0} | streams)}
    async with Postgres(migrated) as postgres:
        [person] = await populate(postgres.url, 4, COUNTING)
        known["DATABASE_URL"] = postgres.url
        web, worker = await asyncio.gather(
            asyncio.to_thread(Web, **known), asyncio.to_thread(WorkerProcess, **known)
        )
        port = int(web.url.rpartition(":")[2])
        device = Device(1, person["cookies"][0], person["conversations"][0], [port])
        device.calm = True
        following = asyncio.create_task(device.live())
        try:
            yield Place(postgres, web, worker, device)
            assert web.popen.poll() is worker.popen.poll() is None
        finally:
            following.cancel()
            web.kill()
            worker.kill()


async def test_pages_say_so_streams_beat_and_the_answer_goes_on_where_it_was(migrated):
    async with place(migrated) as here:
        run = await here.post()
        await here.until(lambda: "50 " in here.words())
        await here.postgres.stop("fast")
        await here.until(lambda: here.worker.output.count("PostgreSQL"))
        opened = dict(here.device.counts)
        await unavailable(here)
        await here.until(lambda: here.device.counts["ping"] >= opened.get("ping", 0) + 3)
        assert here.device.counts["answered 200"] == opened["answered 200"] == 1, "it stayed open"
        await here.postgres.start()
        await here.until(lambda: here.state(run).status == "completed")
        assert here.device.counts["answered 200"] == 1
        assert here.state(run).attempt == 1, "held, not begun anew"
        assert here.words().split()[1:] == [str(n) for n in range(1, 301)]
        assert (await ask(here.port, "GET", here.path, here.device.cookies))[0] == 200
        await assert_as_stored(here)


async def unavailable(here):
    """Every door, in both languages."""
    async with httpx.AsyncClient(
        base_url=here.web.url, cookies=here.device.cookies, timeout=20
    ) as http:
        as_json = {"Accept": "application/json"}
        told = await asyncio.gather(
            http.get("/c/", headers=as_json),
            http.get(here.path, headers=as_json),
            http.get(f"{here.path}events"),
            http.get(here.path, headers={"Accept": "text/html"}),
        )
        assert [answer.status_code for answer in told] == [503] * 4
        for answer in told[:3]:
            assert answer.json()["error"]["code"] == "unavailable"
            assert "database" in answer.json()["error"]["message"]
        assert "Back in a moment" in told[3].text
        assert "what you have written is safe" in told[3].text
    async with httpx.AsyncClient(base_url=here.web.url, timeout=20) as balancer:
        assert (await balancer.get("/healthz")).status_code == 200
        assert (await balancer.get("/readyz")).status_code == 503


async def test_who_asks_while_it_is_away_is_told_at_once_and_served_as_soon_as_it_is_back(
    migrated, capsys
):
    async with place(migrated) as here:
        await here.post()
        stream = f"{here.path}events"
        await here.postgres.stop("fast")
        first = await timed(here, 16, here.path, "/c/", stream)
        later = await timed(here, 16, *[here.path, "/c/", stream] * 3)
        health, ready = await timed(here, 16, "/healthz"), await timed(here, 4, "/readyz")
        assert {status for status, _ in first + later + ready} == {503}
        assert {status for status, _ in health} == {200}
        slowest = [max(took for _, took in each) for each in (first, later, health, ready)]
        with capsys.disabled():
            print("\nPostgreSQL away, slowest of the first 48 answers, of 144 later ones,", end=" ")
            print("of healthz, of readyz:", ", ".join(f"{took:.2f} s" for took in slowest))
        assert max(slowest) < 4.5  # of the five that a page would wait for the pool
        await here.postgres.start()
        began = time.monotonic()
        while (await timed(here, 1, here.path))[0][0] != 200:
            await asyncio.sleep(0.05)
        assert time.monotonic() - began < 10


async def timed(here, times, *paths):
    """Status and seconds of each of so many requests, all at once, by a browser signed in."""

    async def one(path):
        began = time.monotonic()
        status, _ = await ask(here.port, "GET", path, here.device.cookies)
        return status, time.monotonic() - began

    return await asyncio.gather(*(one(path) for path in paths * times))


@pytest.mark.django_db(transaction=True)
async def test_a_burst_waits_for_the_pool_and_is_not_refused_while_it_is_there(
    spawn, conversation, laptop
):
    """One connection, which waits for a lock for longer than people wait before they look."""
    web = spawn(Web, DATABASE_POOL_SIZE="1")
    port = int(web.url.rpartition(":")[2])
    cookies = (await Client.of(laptop)).cookies
    here = f"/c/{conversation.uuid}/"
    assert (await ask(port, "GET", here, cookies))[0] == 200
    async with await connect("test") as holder, holder.transaction():
        await holder.execute("SELECT FROM streams_conversation FOR UPDATE")
        posting = asyncio.create_task(
            ask(port, "POST", f"{here}messages", cookies, {"content": "Hi"})
        )
        await asyncio.sleep(0.2)
        waiting = [asyncio.create_task(ask(port, "GET", here, cookies)) for _ in range(20)]
        done, _ = await asyncio.wait({posting, *waiting}, timeout=2.5)
        assert not done, "they wait"
    assert (await posting)[0] == 201
    assert {status for status, _ in await asyncio.gather(*waiting)} == {200}
    await sync_to_async(connections.close_all)()


async def test_a_worker_holds_for_so_long_and_then_fails_its_runs_as_storage(migrated):
    async with place(migrated, buffer_seconds=1.5) as here:
        run = await here.post()
        await here.until(lambda: "50 " in here.words())
        await here.postgres.stop("fast")
        await here.until(lambda: "to be stored" in here.worker.output)
        await here.postgres.start()
        await here.until(lambda: here.state(run).status == "failed")
        assert here.state(run).error["code"] == "storage"
        await assert_as_stored(here)
        again = await here.post()
        await here.until(lambda: (state := here.state(again)) and state.status == "completed")
        await assert_as_stored(here)


async def assert_as_stored(here):
    log = (await read(here.postgres))[here.device.conversation]
    assert [row.seq for row in log.rows] == list(range(1, len(log.rows) + 1))
    assert here.device.transcript.as_dict() == fold(log.rows).as_dict()
    _, page = await ask(here.port, "GET", here.path, here.device.cookies)
    assert page["messages"] == here.device.transcript.as_dict()["messages"]
