"""Twelve devices on two processes open, leave and write to one conversation at random."""

from __future__ import annotations

import asyncio
import json
import random

import httpx
import pytest
from asgiref.sync import sync_to_async

from streams import log
from streams.log import transcript
from streams.models import Event, Run
from tests.client import Client
from tests.factories import DeviceFactory
from tests.processes import Web, WorkerProcess

pytestmark = pytest.mark.django_db(transaction=True)

DEVICES, ACTS = 12, 24
GONE_AFTER = 3.0
SETTINGS = json.dumps({"presence": GONE_AFTER, "queued_per_user": 0, "running_per_user": 0})


class Person:
    """One device: follows, drops and comes back on either process; remembers who was here."""

    def __init__(self, client, path, webs, seed):
        self.client = client
        self.path = path
        self.webs = webs
        self.chance = random.Random(seed)
        self.here = set()
        self.drops = 0

    @property
    def web(self):
        return self.chance.choice(self.webs).url

    async def follow(self, until):
        """Until it has applied event number `until()`, however often it drops."""
        while not (until() and self.client.transcript.head >= until()):
            patience = self.chance.randrange(5, 200)
            try:
                async for event in self.client.read(self.web, f"{self.path}/events"):
                    if event.event == "presence":
                        self.here = {one["id"] for one in json.loads(event.data)["devices"]}
                    patience -= 1
                    if not patience or (until() and self.client.transcript.head >= until()):
                        break
            except httpx.TransportError:
                pass
            self.drops += 1

    async def beat(self, seconds):
        while True:
            await self.client.post(self.web, f"{self.path}/presence", {})
            await asyncio.sleep(seconds)

    async def act(self):
        """Send, mostly; else stop whatever runs."""
        await asyncio.sleep(self.chance.random() * 6)
        if self.chance.random() < 0.6:
            body = {"content": f"Prompt {self.chance.random()}"}
            answer = await self.client.post(self.web, f"{self.path}/messages", body)
            assert answer.status_code == 201, answer.text
        else:
            run = await Run.objects.filter(status__in=Run.OPEN).order_by("?").afirst()
            if run:
                answer = await self.client.post(self.web, f"/runs/{run.uuid}/cancel")
                assert answer.status_code in (200, 202), answer.text


async def test_twelve_devices_end_with_one_log_and_know_who_is_left(
    spawn, anna, conversation, capsys
):
    webs = [spawn(Web, STREAMS=SETTINGS), spawn(Web, STREAMS=SETTINGS)]
    spawn(WorkerProcess)
    await sync_to_async(conversation.change)(None, model="scripted:count-60@100")
    path = f"/c/{conversation.uuid}"
    devices = [await sync_to_async(DeviceFactory)(user=anna, name=f"D{n}") for n in range(DEVICES)]
    people = [Person(await Client.of(device), path, webs, n) for n, device in enumerate(devices)]
    end = []
    following = [asyncio.create_task(one.follow(lambda: end and end[0])) for one in people]
    beating = [asyncio.create_task(one.beat(GONE_AFTER / 3)) for one in people]
    await asyncio.gather(*(people[n % DEVICES].act() for n in range(ACTS)))
    async with asyncio.timeout(60):
        while await Run.objects.filter(status__in=Run.OPEN).aexists():
            await asyncio.sleep(0.1)
    assert await sees(people[0], webs[1], lambda here: len(here) == DEVICES)
    await sync_to_async(conversation.change)(None, title="The end")
    end.append(await Event.objects.acount())
    async with asyncio.timeout(30):
        await asyncio.gather(*following)
    for task in beating[2:]:
        task.cancel()
    await assert_one_log(people, conversation)
    left = {str(device.uuid) for device in devices[:2]}
    loop = asyncio.get_running_loop()
    began = loop.time()
    for web in webs:
        assert await sees(people[0], web, lambda here: here == left)
    took = loop.time() - began
    with capsys.disabled():
        runs = await Run.objects.acount()
        drops = sum(one.drops for one in people)
        print(f"\n{DEVICES} devices: {end[0]} events, {runs} runs, {drops} drops, one log;", end="")
        print(f" presence right {took:.1f} s after ten fell silent (they expire after 3)")
    for task in beating:
        task.cancel()
    assert took < GONE_AFTER + 2


async def sees(person, web, check):
    """Tells whether a stream of this process comes to say that these devices are present."""
    async with asyncio.timeout(15):
        async for event in Client(person.client.cookies, gapless=False).read(
            web.url, f"{person.path}/events"
        ):
            if event.event == "presence":
                here = {one["id"] for one in json.loads(event.data)["devices"]}
                if check(here):
                    return True
    return False


@sync_to_async
def assert_one_log(people, conversation):
    rows = Event.objects.filter(conversation_id=conversation.pk).order_by("seq")
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    ends = [row.run_id for row in rows if row.type in Event.TERMINAL]
    assert len(ends) == len(set(ends)) == Run.objects.count()
    truth = transcript.fold(log.rows_after(conversation.pk)).as_dict()
    for one in people:
        assert one.client.transcript.as_dict() == truth
