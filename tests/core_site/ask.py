"""Asks the script that needs no key, and waits for a worker's first words; then asks the web."""

import asyncio
import time

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.db import transaction  # noqa: E402

from streams.asgi import WithStreams  # noqa: E402
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


async def status(path: str) -> int:
    """Of a GET, by ASGI alone."""
    asked, sent = [{"type": "http.request", "body": b""}], []

    async def receive():
        return asked.pop() if asked else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    application = WithStreams(get_asgi_application())
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
print(run.status)
print(asyncio.run(status("/assistant/c/")))
