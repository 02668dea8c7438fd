"""The streams of a revoked device or user end on every web process within a second."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.functions import Now

from streams import access
from streams.models import Device
from streams.postgres import channels
from tests.client import Client
from tests.factories import PASSWORD, DeviceFactory

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "battery staple 9"


@pytest.fixture
def webs(standing):
    """Two that have answered before: a process reads its URLs and templates only once."""
    processes = [standing(1), standing(2)]
    for web in processes:
        assert httpx.get(f"{web.url}/sign-in/").status_code == 200
    return processes


class Reader:
    """A client that follows a stream and knows when it was live and when it ended."""

    def __init__(self, client, url, path):
        self.client, self.url, self.path = client, url, path
        self.live = asyncio.Event()
        self.last = None
        self.ended = 0.0

    async def read(self):
        async for frame in self.client.read(self.url, self.path):
            self.last = frame.event
            if frame.event == "sync":
                self.live.set()
        self.ended = time.monotonic()

    async def status(self, path="/c/"):
        async with self.client.http(self.url) as http:
            return (await http.get(path)).status_code


async def reading(webs, path, *devices):
    """Each of the devices with a stream on each of the processes, all live."""
    readers = []
    for device in devices:
        client = await Client.of(device)
        readers += [Reader(Client(client.cookies), web.url, path) for web in webs]
    tasks = [asyncio.create_task(reader.read()) for reader in readers]
    await asyncio.wait_for(asyncio.gather(*(reader.live.wait() for reader in readers)), 20)
    return readers, tasks


async def ended(began, readers, tasks, within=1.0):
    """All of them, with `gone`, in time; and none is let in again."""
    await asyncio.wait_for(asyncio.gather(*tasks), 20)
    figures = [reader.ended - began for reader in readers]
    print(f"ended after {', '.join(f'{each * 1000:.0f} ms' for each in figures)}")
    assert max(figures) < within
    for reader in readers:
        assert reader.last == "gone"
        assert await reader.status() == await reader.status(reader.path) == 401


async def test_a_revoked_devices_streams_end_on_every_process(webs, conversation, laptop, phone):
    path = f"/c/{conversation.uuid}/events"
    theirs, tasks = await reading(webs, path, phone)
    own, own_tasks = await reading(webs, path, laptop)
    began = time.monotonic()
    answer = await own[0].client.post(webs[0].url, f"/devices/{phone.uuid}/revoke")
    assert answer.status_code == 204
    await ended(began, theirs, tasks)
    assert not any(task.done() for task in own_tasks)
    for task in own_tasks:
        task.cancel()


@pytest.mark.parametrize(
    ("path", "body", "whose"),
    [
        ("/devices/revoke-others", {}, "others"),
        ("/password/", {"old": PASSWORD, "new": NEW}, "others"),
        ("/sign-out/", {}, "own"),
    ],
)
async def test_signing_out_ends_the_streams_that_it_should(
    webs, conversation, laptop, phone, path, body, whose
):
    events = f"/c/{conversation.uuid}/events"
    tablet = await sync_to_async(DeviceFactory)(user=laptop.user, name="Tablet")
    others, other_tasks = await reading(webs, events, phone, tablet)
    own, own_tasks = await reading(webs, events, laptop)
    began = time.monotonic()
    assert (await own[0].client.post(webs[1].url, path, body)).status_code in (200, 204)
    if whose == "others":
        await ended(began, others, other_tasks)
    else:
        await ended(began, own, own_tasks)
    for task in own_tasks + other_tasks:
        task.cancel()


async def test_a_device_that_comes_back_at_once_reads_on_and_its_old_sessions_do_not(
    webs, conversation, phone
):
    events = f"/c/{conversation.uuid}/events"
    old, tasks = await reading(webs, events, phone)
    began = time.monotonic()
    assert (await old[0].client.post(webs[0].url, "/sign-out/")).status_code == 204
    cookies = await came_back(old[0].client.cookies, webs[1].url)
    await ended(began, old, tasks)
    again = [Reader(Client(cookies), web.url, events) for web in webs]
    tasks = [asyncio.create_task(reader.read()) for reader in again]
    await asyncio.wait_for(asyncio.gather(*(reader.live.wait() for reader in again)), 3)
    for task in tasks:
        task.cancel()


async def came_back(cookies, url):
    """Returns the cookies of a browser whose person has signed in again."""
    async with Client({name: cookies[name] for name in (access.DEVICE_COOKIE, "csrftoken")}).http(
        url
    ) as http:
        given = {"username": "anna", "password": PASSWORD}
        assert (await http.post("/sign-in/", json=given)).status_code == 200
        assert len((await http.get("/devices/")).json()["devices"]) == 1
        return {cookie.name: cookie.value for cookie in http.cookies.jar}


@transaction.atomic
def out_and_back(device):
    """Too fast for a look that comes by now and then to see it away."""
    device.sign_out()
    device.come_back()


async def test_an_old_stream_ends_unheard_though_its_device_has_come_back(
    standing, conversation, phone, monkeypatch
):
    web = standing(STREAMS='{"stream_rescan": 1.0}')
    events = f"/c/{conversation.uuid}/events"
    old, tasks = await reading([web], events, phone)
    began = time.monotonic()
    await quietly(out_and_back, monkeypatch, phone)
    cookies = await came_back(old[0].client.cookies, web.url)
    again = Reader(Client(cookies), web.url, events)
    follows = asyncio.create_task(again.read())
    await asyncio.wait_for(again.live.wait(), 3)
    await ended(began, old, tasks, within=4.0)
    assert not follows.done()
    follows.cancel()


async def test_a_deactivated_users_streams_end(webs, conversation, anna, laptop, phone):
    readers, tasks = await reading(webs, f"/c/{conversation.uuid}/events", laptop, phone)
    began = time.monotonic()
    anna.is_active = False
    await sync_to_async(anna.save)()
    await sync_to_async(Device.revoke_all_of)(anna.pk)
    await ended(began, readers, tasks)


@sync_to_async
def quietly(change, monkeypatch, *arguments):
    """Revokes with the signal lost on its way."""
    with monkeypatch.context() as patch:
        patch.setattr(channels, "send", lambda *_: None)
        change(*arguments)


async def test_a_lost_signal_delays_and_never_lets_in(standing, conversation, phone, monkeypatch):
    web = standing(STREAMS='{"stream_rescan": 0.5}')
    readers, tasks = await reading([web], f"/c/{conversation.uuid}/events", phone)
    began = time.monotonic()
    await quietly(phone.revoke, monkeypatch)
    await ended(began, readers, tasks, within=3.0)


async def test_a_password_set_behind_our_back_ends_the_streams(standing, conversation, phone):
    web = standing(STREAMS='{"stream_rescan": 0.5}')
    readers, tasks = await reading([web], f"/c/{conversation.uuid}/events", phone)
    began = time.monotonic()

    def set_password():
        person = get_user_model().objects.get(pk=phone.user_id)
        person.set_password(NEW)
        person.save()

    await sync_to_async(set_password)()
    await ended(began, readers, tasks, within=3.0)


async def test_a_conversation_deleted_unheard_ends_too(
    standing, conversation, laptop, phone, monkeypatch
):
    web = standing(STREAMS='{"stream_rescan": 0.5}')
    readers, tasks = await reading([web], f"/c/{conversation.uuid}/events", phone)
    await quietly(conversation.delete_softly, monkeypatch, laptop)
    await asyncio.wait_for(asyncio.gather(*tasks), 10)
    assert readers[0].last == "gone"
    assert await readers[0].status(readers[0].path) == 404


async def test_many_devices_go_in_one_breath(standing, conversation, anna, laptop):
    """A payload holds 8000 bytes; a person with 700 devices has more to say."""
    web = standing()

    @sync_to_async
    def many():
        return DeviceFactory.create_batch(700, user=anna)

    devices = await many()
    readers, tasks = await reading([web], f"/c/{conversation.uuid}/events", devices[0], devices[-1])
    began = time.monotonic()
    assert await sync_to_async(Device.revoke_all_of)(anna.pk, but=laptop) == 700
    await ended(began, readers, tasks)


class Program(Client):
    """A client with an access token and no cookie."""

    def __init__(self, token):
        super().__init__({})
        self.token = token

    def http(self, url):
        http = super().http(url)
        http.headers["Authorization"] = f"Bearer {self.token}"
        return http


@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_a_program_reads_by_its_token_until_that_ends(webs, conversation, anna, laptop, end):
    device, token = await sync_to_async(Device.issue_token)(anna.pk, "Script", read_only=True)
    path = f"/c/{conversation.uuid}/events"
    reader = Reader(Program(token), webs[0].url, path)
    task = asyncio.create_task(reader.read())
    await asyncio.wait_for(reader.live.wait(), 20)
    presence = await reader.client.post(webs[0].url, f"/c/{conversation.uuid}/presence")
    assert (presence.status_code, presence.json()["error"]["code"]) == (403, "read_only")
    began = time.monotonic()
    if end == "revoked":
        own = await Client.of(laptop)
        await own.post(webs[1].url, f"/devices/{device.uuid}/revoke")
    else:
        own = Device.objects.filter(pk=device.pk)
        await sync_to_async(own.update)(expires_at=Now() - timedelta(minutes=1))
    await ended(began, [reader], [task], within=1 if end == "revoked" else 8)
