"""Deleting a person or a conversation, in any way, leaves nothing of it."""

from __future__ import annotations

import asyncio
import dataclasses
from io import BytesIO

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connection

from streams.conf import conf
from streams.models import Conversation, Device, DeviceSession, Event, Pairing, Run
from streams.models.attachment import upload
from streams.postgres.connections import connect
from streams.realtime.hub import Hub
from streams.worker import quarantine
from tests.factories import ConversationFactory, DeviceFactory, UserFactory
from tests.views.answers import begin, complete, say

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("other_half")]

SECRET = "Xanthippe"
User = get_user_model()


def lived_in(owner):
    """A conversation with one of everything that hangs on it; the secret is everywhere."""
    device = DeviceFactory(user=owner, name=f"{SECRET}s laptop")
    here = ConversationFactory(owner=owner, title=f"About {SECRET}", system=SECRET)
    file = upload(owner, f"{SECRET}.txt", BytesIO(SECRET.encode()))
    _, run, _ = here.post(f"Who is {SECRET}?", device, attachments=[file.uuid])
    begin(run)
    say(run, f"{SECRET} is ", "nobody")
    complete(run)
    here.post(f"And {SECRET} waits", device)
    DeviceSession.visit(device, here, 3)
    Pairing.open(device, here)

    async def broken():
        async with await connect("test") as raw:
            await quarantine.set_aside(raw, here.pk, quarantine.Act.TITLE, ValueError(SECRET))

    asyncio.run(broken())
    return here


def found():
    """The tables in which the secret, or anything that hung on a conversation, still is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables"
                       " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'")  # fmt: skip
        tables = [name for (name,) in cursor.fetchall()]
        said = set()
        for name in tables:
            cursor.execute(
                f'SELECT count(*) FROM "{name}" t WHERE t::text LIKE %s', [f"%{SECRET}%"]
            )
            said |= {name} if cursor.fetchone()[0] else set()
    below = {relation.related_model for relation in Conversation._meta.related_objects}
    return said | {m._meta.db_table for m in (*below, Event) if m.objects.exists()}


def raw_sql(here, client):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM streams_conversation WHERE id = %s", [here.pk])
    Device.objects.all().delete()


def admins(kind):
    def delete(here, client):
        pk = here.pk if kind == "streams_conversation" else here.owner_id
        done = client.post(f"/admin/{kind.replace('_', '/')}/{pk}/delete/", {"post": "yes"})
        assert done.status_code == 302
        client.get("/admin/")  # and is told
        Device.objects.all().delete()

    return delete


def admins_action(here, client):
    done = client.post("/admin/auth/user/", {
        "action": "delete_selected", "_selected_action": here.owner_id, "post": "yes",
    })  # fmt: skip
    assert done.status_code == 302


WAYS = {
    "a person, by the model": lambda here, _: here.owner.delete(),
    "people, by a query": lambda here, _: User.objects.filter(pk=here.owner_id).delete(),
    "a conversation, by the model": lambda here, _: (here.delete(), Device.objects.all().delete()),
    "conversations, by a query": lambda here, _: (
        Conversation.objects.all().delete(), Device.objects.all().delete(),
    ),
    "a conversation, by SQL": raw_sql,
    "a conversation, in the admin": admins("streams_conversation"),
    "a person, in the admin": admins("auth_user"),
    "people, by the admin's action": admins_action,
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_nothing_stays(admin_client, way):
    here = lived_in(UserFactory(first_name=SECRET))
    assert {"streams_event", "streams_message", "streams_device"} <= found()
    WAYS[way](here, admin_client)
    if "conversation" in way:
        User.objects.filter(pk=here.owner_id).delete()
    assert found() == set()


def test_everyone_else_keeps_everything(anna, bert):
    lived_in(anna)
    kept = lived_in(bert)
    before = Event.objects.filter(conversation_id=kept.pk).count()
    anna.delete()
    assert set(Event.objects.values_list("conversation_id", flat=True)) == {kept.pk}
    assert Event.objects.count() == before
    assert Run.objects.filter(conversation=kept).count() == 2


@pytest.mark.parametrize("way", ["the conversation", "the device", "the person"])
async def test_who_follows_it_hears_at_once_that_it_has_gone(conversation, laptop, anna, way):
    hub = Hub(dataclasses.replace(conf(), stream_rescan=600, stream_rescan_unsignalled=600))
    await hub.start()
    try:
        async with asyncio.timeout(20):
            while hub.listener.deaf:
                await asyncio.sleep(0.01)
            stream = hub.join(conversation.pk, laptop, head=0, cursor=0)
            rows = {"the conversation": conversation, "the device": laptop, "the person": anna}
            said = b""
            async for data in stream.frames():
                if b"event: sync" in data:
                    await sync_to_async(rows[way].delete)()
                said += data
        assert b"event: gone" in said
        hub.leave(stream)
    finally:
        await hub.close()
