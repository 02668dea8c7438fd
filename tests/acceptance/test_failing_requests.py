"""A request that fails gives its database connection back to the pool."""

from __future__ import annotations

import asyncio
import secrets
import threading
from contextlib import nullcontext

import httpx
import pytest
from django.db import connection, connections
from django.http import HttpResponse

from streams.http.handler import OneThreadHandler
from tests.client import header_of

pytestmark = pytest.mark.django_db(transaction=True)
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def web(standing):
    return standing(DEBUG="1", DATABASE_POOL_SIZE="2", DATABASE_POOL_TIMEOUT="2")


@pytest.mark.parametrize("charset", ["windows-1252", "latin-1"])
@pytest.mark.parametrize("place", ["/c/", "/sign-in/", "/pair/", "/nowhere", "/admin/login/"])
def test_a_form_nobody_can_read_leaves_no_connection_behind(web, place, charset):
    """As under `manage.py dev`, whose page for a fault reads the form once more."""
    made_up = {"sessionid": "s" * 32, "csrftoken": "t" * 32, "device": secrets.token_hex(8)}
    headers = {
        "Content-Type": f"{FORM}; charset={charset}",
        "Cookie": header_of(made_up),
        "X-CSRFToken": "t" * 32,
    }
    with httpx.Client(base_url=web.url, headers=headers, timeout=5, trust_env=False) as http:
        for _ in range(4):
            status = http.post(place, content=b"a=+AGE-%ff").status_code
            assert status == 404 if place == "/nowhere" else status < 500
    assert httpx.get(f"{web.url}/readyz", trust_env=False).status_code == 200


class Breaking(OneThreadHandler):
    """A view that has asked the database, and then what is told."""

    def __init__(self, then):
        super().__init__()
        self.then = then
        self.used = []
        self.asked, self.gone = threading.Event(), threading.Event()

    def get_response(self, request):
        connection.ensure_connection()
        self.used.append(connections["default"])
        self.asked.set()
        return self.then(self)


def answered(handler):
    return HttpResponse()


def fault(handler):
    raise RuntimeError


def left_alone(handler):
    assert handler.gone.wait(10)
    return HttpResponse()


BREAKS = {"response": fault, "sending": answered, "leaving": left_alone}


@pytest.mark.parametrize("breaks", BREAKS)
async def test_a_response_that_breaks_gives_its_connection_back(breaks):
    handler = Breaking(BREAKS[breaks])
    received = [{"type": "http.request", "body": b""}]

    async def receive():
        if received:
            return received.pop()
        if breaks == "leaving":
            await asyncio.to_thread(handler.asked.wait, 10)
            handler.gone.set()
            return {"type": "http.disconnect"}
        return await asyncio.Future()

    async def send(message):
        if breaks != "leaving":
            raise RuntimeError

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    with nullcontext() if breaks == "leaving" else pytest.raises(RuntimeError):
        await handler(scope, receive, send)
    assert [each.connection for each in handler.used] == [None]
