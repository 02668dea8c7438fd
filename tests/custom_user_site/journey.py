"""A person of another site, from signing in to being deleted: see `tests.test_custom_user_site`."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
from asgiref.sync import sync_to_async
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.checks import run_checks
from django.core.handlers.base import BaseHandler
from django.core.management import call_command
from django.db import connections

import streams
from streams import urls
from streams.conf import conf
from streams.models import Conversation, Device, Event, Message, Run
from streams.realtime import endpoints
from streams.realtime.hub import Hub
from tests.client import Client, header_of
from tests.worker.in_process_worker import assert_whole, post, shown, status, working

from .models import Account, Stock

# Whatever asks `default` fails: see `databases` of Django's TransactionTestCase.
pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["people"]),
    pytest.mark.usefixtures("other_half"),
]
PASSWORD = "correct horse"


@pytest.fixture
def ada(db):
    return Account.objects.create_user("ada@example.org", PASSWORD, preferences={"tone": "dry"})


@pytest.fixture
def laptop(ada):
    return Device.objects.create(user=ada, name="Laptop")


@pytest.fixture
def conversation(ada):
    return Conversation.objects.create(owner=ada, model="scripted:count 3")


@pytest.fixture
async def hub():
    hub = Hub(conf())
    await hub.start()
    while hub.listener.deaf:
        await asyncio.sleep(0.01)
    yield hub
    await hub.close()


def test_nothing_is_the_matter_and_the_sites_own_admin_stays():
    found = run_checks(databases=["people"])
    assert [each for each in found if each.id.startswith(("streams.", "fields."))] == []
    call_command("makemigrations", "streams", check_changes=True, dry_run=True)  # or it exits
    assert type(admin.site._registry[Account]).__module__ == "tests.custom_user_site.admin"


def test_no_request_of_ours_is_a_transaction():
    handler = BaseHandler()
    for each in urls.urlpatterns:
        assert handler.make_view_atomic(each.callback) is each.callback, each


def test_a_person_signs_in_on_the_sites_page_asks_and_finds_it_in_the_list(client, ada):
    form = {"username": ada.email, "password": PASSWORD}
    assert client.post("/accounts/login/?next=/c/", form).status_code == 302
    begun = client.post("/c/", {"content": "Hello"}, headers={"Accept": "application/json"})
    assert begun.status_code == 201, begun.content
    assert Device.objects.get().user == ada
    assert Conversation.objects.get().owner == ada
    listed = client.get("/c/", headers={"Accept": "application/json"}).json()
    assert [each["name"] for each in listed["conversations"]] == ["Hello"]
    assert client.get("/c/").status_code == 200
    assert client.get(f"/c/{Conversation.objects.get().uuid}/").status_code == 200
    assert client.get("/devices/").status_code == 200
    assert client.get("/preferences/").json() == {"tone": "dry"}


async def test_an_answer_is_written_stopped_and_whole(model, conversation, laptop):
    run = await post(conversation, laptop)
    async with working():
        model.say("Once upon")
        await shown(run, "Once upon")
        await sync_to_async(run.cancel)(laptop)
        await status(run, "cancelled")
    await assert_whole(run)


async def test_the_sites_own_code_asks_and_waits(model, ada):
    chat = await streams.astart(ada, title="Weather")
    run = await chat.aask("Will it rain?")
    async with working():
        model.say("No.").finish()
        assert (await run.await_(10)).text == "No."
    assert [each.title for each in await streams.aconversations(ada)] == ["Weather"]


async def test_a_page_follows_the_answer_and_its_list(model, conversation, laptop, hub):
    run = await post(conversation, laptop)
    async with followed(hub, laptop, conversation) as page, working():
        model.say("Good ", "morning").finish()
        await status(run, "completed")
        await page.until(b"run.completed")
        await page.until(b'"running":false')
    assert b"Good " in page.told


async def test_a_list_is_told_of_what_begins_elsewhere(conversation, laptop, hub):
    async with followed(hub, laptop) as page:
        await page.until(str(conversation.uuid).encode())
        other = await sync_to_async(Conversation.objects.create)(owner_id=laptop.user_id)
        await post(other, laptop)
        await page.until(str(other.uuid).encode())


@pytest.mark.parametrize("lost", ["the password", "the device", "the person"])
async def test_a_stream_ends_with_the_right_to_it(conversation, laptop, hub, ada, lost):
    async with followed(hub, laptop, conversation) as page:
        await page.until(b"event: sync")
        await sync_to_async(LOSSES[lost])(ada, laptop)
        async with hub.pool.connection() as connection:
            await hub.revocations.recheck(connection, hub.streams)
        await page.until(b"event: gone")


def new_password(person, device):
    person.set_password("another")
    person.save()


LOSSES = {
    "the password": new_password,
    "the device": lambda person, device: device.revoke(),
    "the person": lambda person, device: person.delete(),
}


@pytest.fixture
def oncall(client, db):
    client.force_login(Account.objects.create_user("carla@example.org", is_staff=True))
    return client


def grant(client, *names):
    person = Account.objects.get(email="carla@example.org")
    person.user_permissions.set(Permission.objects.filter(codename__in=names))


def test_the_admin_finds_things_by_the_name_people_sign_in_with(oncall, conversation, laptop):
    conversation.post("Hello", laptop)
    grant(oncall, *(f"view_{each}" for each in ("run", "conversation", "device", "worker")))
    shown = {"run": Run.objects.get(), "conversation": conversation, "device": laptop}
    for each, row in shown.items():
        for who, rows in (("ada@", 1), ("bert@", 0)):
            answer = oncall.get(f"/admin/streams/{each}/?{urlencode({'q': who})}")
            assert answer.status_code == 200
            assert answer.context["cl"].result_count == rows, each
        assert oncall.get(f"/admin/streams/{each}/{row.pk}/change/").status_code == 200
        refused = oncall.post(f"/admin/streams/{each}/{row.pk}/delete/", {"post": "yes"})
        assert refused.status_code == 403
    assert oncall.get("/admin/streams/run/?o=7").status_code == 200


def delete_in_the_admin(client, ada):
    grant(client, "view_account", "delete_account")
    path = f"/admin/custom_user_site/account/{ada.pk}/delete/"
    assert b"streams" not in client.get("/admin/").content.lower()
    assert client.post(path, {"post": "yes"}).status_code == 302


def delete_by_sql(client, ada):
    """Deletes by SQL, past Django: PostgreSQL itself deletes what belongs to it."""
    with connections["people"].cursor() as cursor:
        cursor.execute("DELETE FROM streams_conversation WHERE owner_id = %s", [ada.pk])
        cursor.execute("DELETE FROM streams_device WHERE user_id = %s", [ada.pk])
        cursor.execute('DELETE FROM custom_user_site_account WHERE "Account" = %s', [ada.pk])


@pytest.mark.parametrize(
    "delete", [lambda client, ada: ada.delete(), delete_in_the_admin, delete_by_sql]
)
def test_nothing_of_a_person_stays(oncall, ada, conversation, laptop, delete):
    conversation.post("Hello", laptop)
    delete(oncall, ada)
    assert not Account.objects.filter(email=ada.email).exists()
    assert not Device.objects.filter(name="Laptop").exists()
    for model in (Conversation, Message, Run, Event):
        assert not model.objects.exists(), model


def test_the_commands_find_the_database(conversation, laptop, capsys):
    conversation.post("Hello", laptop)
    for command in ("checklog", "pruneevents", "restored"):
        call_command(command)


@pytest.mark.django_db(transaction=True, databases=["default", "people"])
def test_the_other_database_holds_nothing_of_ours():
    assert Stock.objects.count() == 0
    there = connections["default"].introspection.table_names()
    assert [each for each in there if each.startswith("streams_")] == []


class Page:
    """One open page and the events it is sent."""

    def __init__(self) -> None:
        self.told = b""
        self._more = asyncio.Condition()

    async def receive(self):
        await asyncio.Event().wait()

    async def send(self, message):
        async with self._more:
            assert message.get("status", 200) == 200, message
            self.told += message.get("body", b"")
            self._more.notify_all()

    async def until(self, words):
        async with asyncio.timeout(10), self._more:
            await self._more.wait_for(lambda: words in self.told)


@asynccontextmanager
async def followed(hub, device, conversation=None):
    """A page of this device with a conversation open, or with the list alone."""
    client, page = await Client.of(device), Page()
    headers = [(b"host", b"localhost"), (b"cookie", header_of(client.cookies).encode())]
    scope = {"method": "GET", "path": "/", "headers": headers, "query_string": b"feed=1"}
    opener = endpoints.open_conversation if conversation else endpoints.open_feed
    uuid = str(conversation.uuid) if conversation else ""
    going = asyncio.create_task(
        endpoints.respond(opener, hub, uuid, scope, page.receive, page.send)
    )
    try:
        yield page
    finally:
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
