"""Another person's stream and one that does not exist are answered alike: same words, headers and
queries.
"""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.models import Session
from django.db import connections, transaction
from django.test import AsyncClient
from django.utils import timezone

from streams.asgi import stream_at
from streams.conf import conf
from streams.http import cors
from streams.models import Conversation
from streams.realtime.hub import Hub
from tests.client import Client, header_of
from tests.factories import DeviceFactory

pytestmark = pytest.mark.django_db(transaction=True)
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def hub():
    """One that only answers: none of its rooms is at work, so that all questions are ours."""
    hub = Hub(conf())
    hub.known.set()
    await hub.pool.open()
    yield hub
    await hub.close()
    await sync_to_async(connections.close_all)()


@pytest.fixture
def asked(monkeypatch):
    """Every question that is sent to the database, without its values; what a pool says to its
    connections is composed or empty."""
    statements = []
    execute = psycopg.AsyncConnection.execute

    async def noted(self, query, *args, **kwargs):
        if isinstance(query, str) and query:
            statements.append(query)
        return await execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", noted)
    return statements


async def told(hub, client, method, path, token=b"t" * 32, more=(), scheme="http"):
    """What the server is given to send, up to the end or the first piece of a stream."""
    cookies = header_of(client.cookies).encode()
    headers = [(b"host", b"localhost"), (b"cookie", cookies), (b"x-csrftoken", token)]
    headers += [(b"referer", b"https://localhost/"), *more]
    scope = {"method": method, "path": path, "headers": headers, "query_string": b""}
    scope["scheme"] = scheme
    sent = []

    async def receive():
        return {"type": "http.request" if len(sent) == 0 else "http.disconnect", "body": b""}

    async def send(message):
        sent.append(message)

    respond, uuid = stream_at(path)
    async with asyncio.timeout(5):
        await respond(hub, uuid, scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/c/{c}/events"), ("GET", "/runs/{r}/events"), ("POST", "/c/{c}/presence")],
)
@pytest.mark.parametrize("deleted", [False, True], ids=["someone else's", "deleted"])
async def test_what_is_not_yours_is_not_there(
    hub, asked, bert, conversation, laptop, method, path, deleted
):
    _, run, _ = await sync_to_async(conversation.post)("A secret", laptop)
    stranger = laptop if deleted else await sync_to_async(DeviceFactory)(user=bert)
    if deleted:
        await sync_to_async(conversation.delete_softly)(laptop)
    client = await Client.of(stranger)
    await told(hub, client, method, path.format(c=NOWHERE, r=NOWHERE))
    asked.clear()
    nothing = await told(hub, client, method, path.format(c=NOWHERE, r=NOWHERE))
    for_nothing = asked.copy()
    asked.clear()
    theirs = await told(hub, client, method, path.format(c=conversation.uuid, r=run.uuid))
    assert theirs == nothing
    assert theirs[0]["status"] == 404
    assert asked == for_nothing
    assert len(asked) == 1
    assert hub.streams == []
    assert not hub.presence._here


async def test_the_owner_is_let_in_by_the_same_question(hub, asked, conversation, laptop):
    client = await Client.of(laptop)
    sent = await told(hub, client, "GET", f"/c/{conversation.uuid}/events")
    assert sent[0]["status"] == 200
    sent = await told(hub, client, "POST", f"/c/{conversation.uuid}/presence")
    assert sent[0]["status"] == 204


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/c/{c}/events", b"GET"), ("GET", "/c/{c}/presence", b"POST")],
)
async def test_the_method_that_is_there_is_named(hub, conversation, laptop, method, path, allowed):
    sent = await told(hub, await Client.of(laptop), method, path.format(c=conversation.uuid))
    assert (sent[0]["status"], dict(sent[0]["headers"])[b"allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/c/{c}/events"), ("GET", "/c/events"), ("POST", "/c/{c}/presence")],
)
async def test_nothing_is_told_without_tls_where_it_has_to_be(
    hub, conversation, laptop, settings, method, path
):
    """`HTTPS=1`: pages led to TLS, while streams went on in the clear."""
    settings.SECURE_SSL_REDIRECT = True
    client, path = await Client.of(laptop), path.format(c=conversation.uuid)
    sent = await told(hub, client, method, path)
    headers = dict(sent[0]["headers"])
    assert (sent[0]["status"], headers[b"location"]) == (301, f"https://localhost{path}".encode())
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for said, known in ((b"https", True), (b"https, http", True), (b"http", False)):
        sent = await told(hub, client, method, path, more=[(b"x-forwarded-proto", said)])
        assert (sent[0]["status"] in (200, 204)) is known
    settings.SECURE_PROXY_SSL_HEADER = None
    sent = await told(hub, client, method, path, scheme="https")
    assert sent[0]["status"] in (200, 204)


@pytest.mark.parametrize(("cookie", "token"), [(None, b""), ("", b""), ("a", b"b"), (None, b"x")])
async def test_presence_is_said_by_our_own_pages_alone(hub, conversation, laptop, cookie, token):
    client = await Client.of(laptop)
    client.cookies.pop("csrftoken")
    client.cookies |= {} if cookie is None else {"csrftoken": cookie}
    sent = await told(hub, client, "POST", f"/c/{conversation.uuid}/presence", token)
    assert sent[0]["status"] == 403
    assert not hub.presence._here


async def test_an_expired_session_is_nobodys(hub, conversation, laptop):
    client = await Client.of(laptop)
    await sync_to_async(Session.objects.update)(expire_date=timezone.now())
    sent = await told(hub, client, "GET", f"/c/{conversation.uuid}/events")
    assert sent[0]["status"] == 401


class Banning(ModelBackend):
    """A deployer's own rule of who goes on, beside `is_active`."""

    def get_user(self, user_id):
        user = super().get_user(user_id)
        return None if user and user.last_name == "Banned" else user


async def test_a_backend_with_a_rule_of_its_own_is_asked_at_every_door(
    hub, conversation, laptop, settings
):
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Banning"]
    client, paths = await Client.of(laptop), ("/c/{c}/events", "/c/events")
    browser = AsyncClient()
    browser.cookies.load(client.cookies)

    async def answers():
        streams = [
            (await told(hub, client, "GET", path.format(c=conversation.uuid)))[0]["status"]
            for path in paths
        ]
        page = await browser.get("/c/", headers={"Accept": "application/json"})
        return [*streams, page.status_code]

    assert await answers() == [200, 200, 200]
    laptop.user.last_name = "Banned"
    await laptop.user.asave()
    assert await answers() == [401, 401, 401]


async def test_a_stream_that_comes_before_the_epoch_is_known_waits_for_it(
    hub, conversation, laptop
):
    """Told none, a page would take the next one for another log's, and load itself anew."""
    hub.known.clear()
    path = f"/c/{conversation.uuid}/events"
    asking = asyncio.create_task(told(hub, await Client.of(laptop), "GET", path))
    _, pending = await asyncio.wait({asking}, timeout=0.2)
    assert pending
    hub.life = hub.life._replace(epoch="this life")
    hub.known.set()
    assert (await asking)[0]["status"] == 200


async def test_a_foreign_page_reads_a_stream_where_the_site_lets_it(conversation, settings):
    """By the site's own CORS settings, which Django's middleware would not apply to a stream."""
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
    for origin, allowed in ((b"https://app.example.com", True), (b"https://evil.example", False)):
        sent = []

        async def send(message, sent=sent):
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/c/events", "query_string": b""}
        scope["headers"] = [(b"host", b"localhost"), (b"origin", origin)]
        answer = cors.sharing(scope, send)
        await answer({"type": "http.response.start", "status": 200, "headers": []})
        assert ((b"access-control-allow-origin", origin) in sent[0]["headers"]) is allowed
    settings.MIDDLEWARE = []
    assert cors.sharing(scope, send) is send


async def test_the_stream_of_a_run_that_joined_another_has_an_end(hub, conversation, laptop):
    """Else its reader, which comes back as browsers do, would be kept for ever."""
    _, run, _ = await sync_to_async(conversation.post)("Hello", laptop)
    head = await sync_to_async(joined)(conversation, run)
    client, path = await Client.of(laptop), f"/runs/{run.uuid}/events"
    sent = await told(hub, client, "GET", path, more=[(b"last-event-id", b"%d" % head)])
    assert sent[0]["status"] == 204


def joined(conversation, run):
    run.status = "steered"
    run.save()
    conversation.refresh_from_db()
    with transaction.atomic():
        Conversation.lock(conversation.pk).append(run.event("run.steered", absorbed=str(run.uuid)))
    conversation.refresh_from_db()
    return conversation.last_seq
