"""Keys and providers' error texts appear in no row, log, page or stream."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from streams.models import Run
from tests.client import Client
from tests.factories import ConversationFactory, DeviceFactory, UserFactory
from tests.processes import Web, WorkerProcess, eventually
from tests.providers.vendor import Then, Vendor

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "sk-kanarienvogel-key"
BODY = "kanarienvogel-body"
SAID = {"error": {"message": BODY, "type": BODY, "code": BODY, "param": KEY}}
MID_STREAM = (
    f'event: error\ndata: {{"type": "error", "message": "{BODY}", "code": "{KEY}",'
    f' "error": {{"message": "{BODY}", "type": "{KEY}"}}}}\n\n'
)
FAILURES = {
    "a refused key": lambda vendor: vendor.refuses(401, SAID, x_secret=BODY),
    "a bad request": lambda vendor: vendor.refuses(400, SAID),
    "a fault of theirs": lambda vendor: vendor.says(f"<pre>{BODY}".encode(), status=500),
    "an error in the stream": lambda vendor: vendor.says(MID_STREAM.encode()),
    "no JSON in the stream": lambda vendor: vendor.says(f"data: {BODY}\n\n".encode()),
    "another kind of JSON": lambda vendor: vendor.says(f'data: ["{BODY}"]\n\n'.encode()),
    "a cut": lambda vendor: vendor.says(f": {BODY}\n".encode(), Then.CUT),
    "a redirect": lambda vendor: vendor.says(status=302, headers={"location": f"/{BODY}"}),
}
MODELS = ("openai:m", "openai-chat:m", "anthropic:m")


def environment(vendor):
    names = ("OPENAI", "OPENAI_CHAT", "ANTHROPIC")
    return (
        {f"{name}_API_KEY": KEY for name in names}
        | {f"{name}_BASE_URL": vendor.url for name in names}
        | {"STREAMS": '{"provider_retries": 1}'}
    )


@sync_to_async
def everything_stored():
    """Every row of every table as text."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for table in tables:
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')
            assert_clean("\n".join(row[0] for row in cursor.fetchall()), table)
    return tables


def assert_clean(text, where):
    for secret in (KEY, BODY):
        assert secret not in text, f"{secret} in {where}"


@sync_to_async
def ask(conversation, device):
    return conversation.post("Hi", device)[1]


@sync_to_async
def ended(run):
    return eventually(lambda: Run.objects.filter(pk=run.pk, ended_at__isnull=False).first())


async def test_a_failing_provider_gives_nothing_away(spawn, anna, laptop):
    root = await sync_to_async(UserFactory)(username="root", is_staff=True, is_superuser=True)
    admin = await Client.of(await sync_to_async(DeviceFactory)(user=root))
    client = await Client.of(laptop)
    places = [await sync_to_async(ConversationFactory)(owner=anna, model=m) for m in MODELS]
    runs = []
    async with Vendor() as vendor:
        known = environment(vendor)
        web, worker = spawn(Web, **known), spawn(WorkerProcess, **known)
        for failure in FAILURES.values():
            failure(vendor)
            asked = [await ask(place, laptop) for place in places]
            runs += [await ended(run) for run in asked]
    assert len(vendor.requests) >= len(runs)
    assert not any(BODY in request.path for request in vendor.requests)
    assert all(KEY in str(request.headers) for request in vendor.requests)
    assert {run.status for run in runs} == {"failed"}
    assert await everything_stored()
    here = f"/c/{places[0].uuid}/"
    html = {"Accept": "text/html"}
    async with client.http(web.url) as http:
        for path in ("/c/", here, f"/runs/{runs[0].uuid}/"):
            for accept in ({}, html):
                assert_clean((await http.get(path, headers=accept)).text, path)
    async for frame in client.read(web.url, f"{here}events"):
        assert_clean(frame.data, "the stream")
        if frame.event == "sync":
            break
    async with admin.http(web.url) as http:
        for path in ("run/", f"run/{runs[0].pk}/change/", "conversation/", "worker/"):
            page = await http.get(f"/admin/streams/{path}", headers=html)
            assert page.status_code == 200, path
            assert_clean(page.text, path)
    assert_clean(worker.output + web.output, "the logs")
