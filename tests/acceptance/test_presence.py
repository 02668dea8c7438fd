"""Presence is known on every process, and ends when a device is no longer heard of."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from asgiref.sync import sync_to_async
from django.db import connection as database

from streams.models import DeviceSession
from tests.client import Client
from tests.factories import ConversationFactory, DeviceFactory
from tests.processes import Web

pytestmark = pytest.mark.django_db(transaction=True)

SOON = '{"presence": 3, "presence_floor": 0.01}'


class Watcher:
    """A device that follows a conversation and writes down who it is told is here."""

    def __init__(self, client):
        self.client = client
        self.told = []
        self.changed = asyncio.Condition()

    @property
    def here(self):
        return self.told[-1] if self.told else {}

    async def watch(self, url, path):
        async for event in self.client.read(url, path):
            if event.event == "presence":
                async with self.changed:
                    devices = json.loads(event.data)["devices"]
                    self.told.append({each["name"]: each["typing"] for each in devices})
                    self.changed.notify_all()

    async def see(self, **here):
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: self.here == here)


@pytest.fixture
async def watcher(conversation):
    watching = []

    async def watch(device, web):
        one = Watcher(await Client.of(device))
        path = f"/c/{conversation.uuid}/events"
        watching.append(asyncio.create_task(one.watch(web.url, path)))
        return one

    yield watch
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)


@pytest.fixture
def say(conversation):
    async def said(device, web, **body):
        client = await Client.of(device)
        return await client.post(web.url, f"/c/{conversation.uuid}/presence", body)

    return said


async def test_who_is_here_is_known_on_every_process_and_said_only_on_change(
    standing, watcher, say, laptop, phone
):
    webs = standing(1, STREAMS=SOON), standing(2, STREAMS=SOON)
    one, two = await watcher(laptop, webs[0]), await watcher(phone, webs[1])
    assert (await say(laptop, webs[0])).status_code == 204
    await asyncio.gather(*(each.see(Laptop=False) for each in (one, two)))
    await say(laptop, webs[0])
    await say(phone, webs[1], typing=True)
    await asyncio.gather(*(each.see(Laptop=False, Phone=True) for each in (one, two)))
    await say(phone, webs[1], typing=False)
    await asyncio.gather(*(each.see(Laptop=False, Phone=False) for each in (one, two)))
    assert len(one.told) == len(two.told) == 3


async def test_a_device_whose_process_was_killed_is_gone_in_time(
    spawn, watcher, say, laptop, phone
):
    webs = spawn(Web, STREAMS=SOON), spawn(Web, STREAMS=SOON)
    one = await watcher(laptop, webs[0])
    await say(phone, webs[1])
    await one.see(Phone=False)
    loop = asyncio.get_running_loop()
    killed = loop.time()
    webs[1].kill()
    await one.see()
    assert loop.time() - killed < 3 + 1.5


async def test_who_leaves_is_gone_sooner(standing, watcher, say, laptop, phone):
    web = standing(STREAMS='{"presence": 6}')
    one = await watcher(laptop, web)
    await say(phone, web)
    await one.see(Phone=False)
    loop = asyncio.get_running_loop()
    left = loop.time()
    await say(phone, web, here=False)
    await one.see()
    assert loop.time() - left < 4


async def test_a_new_process_asks_who_is_here(spawn, watcher, say, laptop, phone):
    first = spawn(Web)
    one = await watcher(laptop, first)
    await say(phone, first, typing=True)
    await one.see(Phone=True)
    two = await watcher(laptop, spawn(Web))
    await two.see(Phone=True)


async def test_the_devices_page_says_what_each_has_open_on_every_process(
    standing, say, watcher, conversation, laptop, phone
):
    webs = standing(1), standing(2)
    one, client = await watcher(laptop, webs[1]), await Client.of(laptop)
    await sync_to_async(conversation.change)(laptop, title="Soup")
    elsewhere = await sync_to_async(ConversationFactory)(owner=laptop.user, title="Elsewhere")
    await sync_to_async(DeviceSession.visit)(phone, elsewhere)

    async def shown():
        async with client.http(webs[1].url) as http:
            line = (await http.get(f"/devices/{phone.uuid}/")).json()
            html = (await http.get("/devices/", headers={"Accept": "text/html"})).text
            words = " ".join(re.sub("<[^>]*>", "", html).split())
            return line["conversation"]["name"], line["conversation"]["open"], words

    assert "Seen just now, last in Elsewhere" in (await shown())[2]
    await say(phone, webs[0])
    await one.see(Phone=False)
    name, open, words = await shown()
    assert (name, open) == ("Soup", True)
    assert "In Soup now" in words
    await say(phone, webs[0], here=False)
    async with asyncio.timeout(3):
        while (await shown())[:2] != ("Elsewhere", False):
            await asyncio.sleep(0.02)


async def test_presence_is_ones_own_alone_and_leaves_nothing_behind(
    standing, say, conversation, laptop, bert
):
    web = standing()
    stranger = await sync_to_async(DeviceFactory)(user=bert)
    assert (await say(stranger, web)).status_code == 404
    assert (await say(laptop, web, typing="yes")).status_code == 422
    assert (await say(laptop, web, mood="good")).status_code == 422
    client = await Client.of(laptop)
    path = f"/c/{conversation.uuid}/presence"
    async with client.http(web.url) as http:
        assert (await http.get(path)).status_code == 405
        assert (await http.post(path, content=b"{")).status_code == 400
        assert (await http.post(path, content=b" " * 2000)).status_code == 400
        refused = await http.post(path, headers={"X-CSRFToken": "x"}, json={})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "csrf")
        http.cookies.clear()
        token = {"Cookie": "csrftoken=x", "X-CSRFToken": "x"}
        assert (await http.post(path, headers=token, json={})).status_code == 401
    before = await sync_to_async(rows)()
    assert (await say(laptop, web)).status_code == 204
    assert await sync_to_async(rows)() == before


def rows():
    """Counts the rows of every table of ours; signing in for the next request adds a session."""
    with database.cursor() as cursor:
        tables = [name for name in database.introspection.table_names() if "streams_" in name]
        counts = {}
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table}")
            counts[table] = cursor.fetchone()[0]
        return counts
