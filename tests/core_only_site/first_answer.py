"""Asks the script that needs no key, and waits for a worker's first words; then asks the web."""

import asyncio
import time

import django

django.setup()

from asgi import application  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.db import transaction  # noqa: E402

from streams.models import Conversation, Run  # noqa: E402
from streams.providers import registry  # noqa: E402


def being_answered() -> Run:
    anna = get_user_model().objects.create_user("anna")
    chat = Conversation.objects.create(owner=anna, model=registry.default_model())
    with transaction.atomic():
        _, run, _ = chat.post("Hello", None)
    until = time.monotonic() + 30
    while not run.first_token_at and time.monotonic() < until:
        time.sleep(0.05)
        run.refresh_from_db()
    return run


async def asked(*paths: str) -> list[int]:
    """The status of a GET of each, between a start and an end as any ASGI server tells them."""
    told, answers = asyncio.Queue(), asyncio.Queue()
    living = asyncio.create_task(application({"type": "lifespan"}, told.get, answers.put))
    await told.put({"type": "lifespan.startup"})
    await answers.get()
    found = [await status(path) for path in paths]
    await told.put({"type": "lifespan.shutdown"})
    await living
    return found


async def status(path: str) -> int:
    body, sent = [{"type": "http.request", "body": b""}], []

    async def receive():
        return body.pop() if body else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"testserver")],
        "client": ("127.0.0.1", 5),
        "server": ("testserver", 80),
    }
    await application(scope, receive, send)
    return sent[0]["status"]


run = being_answered()
page = "/assistant/c/"
print(run.status, *asyncio.run(asked(page, f"{page}{run.conversation.uuid}/events")))
