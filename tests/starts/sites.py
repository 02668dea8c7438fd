"""A site with a person, asked through ASGI: the same requests can be asked of two such worlds."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager

from asgiref.sync import sync_to_async
from django.db import connections

from streams import budgets
from streams.asgi import WithStreams
from streams.http.handler import OneThreadHandler
from streams.models import Budget, Conversation, Usage
from tests.client import cookies_of, header_of
from tests.factories import ConversationFactory, DeviceFactory
from tests.models.test_posting import rows

NOWHERE = "00000000-0000-4000-8000-000000000000"
NAMES = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
TIMES = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")


@asynccontextmanager
async def site():
    app = WithStreams(OneThreadHandler())
    yield app
    if app._starts:
        await app._starts.close()
    if app._hub:
        await app._hub.close()
    await sync_to_async(connections.close_all)()


class World:
    """Anna has conversations of every busy rule and one that is deleted; Bert has one too."""

    def __init__(self, used=0, tokens=None, dollars=None):
        self.device, other = DeviceFactory(), DeviceFactory()
        self.anna, self.bert = self.device.user, other.user
        self.cookies = cookies_of(self.device)
        month = {"owner": self.anna, "month": budgets.this_month(), "model": "scripted:demo"}
        Usage.objects.create(**month, input_tokens=used)
        Usage.objects.create(**month | {"month": "2001-01-01"}, input_tokens=1000)
        if tokens is not None or dollars is not None:
            Budget.objects.create(owner=self.anna, tokens=tokens, dollars=dollars)
        self.places = {
            rule: str(ConversationFactory(owner=self.anna, on_busy=rule).uuid)
            for rule in Conversation.OnBusy.values
        }
        deleted = ConversationFactory(owner=self.anna)
        deleted.delete_softly(self.device)
        theirs = ConversationFactory(owner=self.bert)
        self.places |= {"deleted": str(deleted.uuid), "theirs": str(theirs.uuid)}
        self.places |= {"nowhere": NOWHERE}
        self.names = {name: place for place, name in self.places.items()}

    def path(self, place):
        return f"/c/{self.places[place]}/messages" if place else "/c/"

    def headers(self, cookies=None, **more):
        known = {"host": "localhost", "accept": "application/json", "x-csrftoken": "t" * 32}
        known |= {"content-type": "application/json", "cookie": header_of(cookies or self.cookies)}
        given = known | more
        return [(k.encode(), v.encode("latin-1")) for k, v in given.items() if v is not None]

    def told(self, answer):
        """An answer without what is of one world alone."""
        status, headers, body = answer
        kept = {name: text for name, text in headers.items() if name != "content-length"}
        assert int(headers.get("content-length", len(body))) == len(body)
        for secret in ("x-csrftoken", "set-cookie"):
            if secret in kept:
                kept[secret] = secret
        page = body[:1] == b"<"
        return (
            status,
            self.plain(json.dumps(kept, sort_keys=True)),
            page or self.plain(body.decode()),
        )

    def plain(self, text):
        text = NAMES.sub(lambda found: self.names.setdefault(found[0], f"u{len(self.names)}"), text)
        return TIMES.sub("T", text)

    def rows(self):
        mine = Conversation.objects.filter(owner__in=[self.anna, self.bert]).order_by("pk")
        return [rows(each) for each in mine]

    async def post(self, app, place=None, **fields):
        """Posts JSON; returns the status and what the answer says."""
        fields = {"content": "Hello"} | fields
        answer = await asked(app, self.path(place), self.headers(), json.dumps(fields).encode())
        return answer[0], json.loads(answer[2])


async def asked(app, path, headers, body, query=b"", method="POST"):
    """Returns status, headers and body of one request."""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "headers": [*headers, (b"content-length", str(len(body)).encode())],
        "query_string": query,
        "scheme": "http",
        "http_version": "1.1",
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }
    waiting, sent = [{"type": "http.request", "body": body}], []
    leaving = asyncio.Event()

    async def receive():
        if waiting:
            return waiting.pop()
        await leaving.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    async with asyncio.timeout(20):
        await app(scope, receive, send)
    leaving.set()
    start, *pieces = sent
    headers = {k.decode().lower(): v.decode("latin-1") for k, v in start["headers"]}
    return start["status"], headers, b"".join(piece.get("body", b"") for piece in pieces)
