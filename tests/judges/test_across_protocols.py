"""One answer in every protocol at once: begun in one, watched in all, stopped from another."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from asgiref.sync import sync_to_async

from streams.models import Message, Run
from tests.processes import PATIENCE
from tests.worker.in_process_worker import until

pytestmark = pytest.mark.django_db(transaction=True)
NAME, MODEL = "between us", "scripted:count-9000@50"  # it lasts until it is stopped
PROMPT = [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Count"}]}]


@pytest.fixture
async def http(web, token, other_half):
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=web.url, headers=headers, timeout=30) as client:
        yield client


class Watched:
    """The JSON of each frame of a stream, read up to its end."""

    def __init__(self, http, method, path, **body):
        self.frames = []
        self.read = asyncio.create_task(self._read(http, method, path, body))

    async def _read(self, http, method, path, body):
        async with http.stream(method, path, **body) as answer:
            assert answer.status_code == 200
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    self.frames.append(json.loads(line.removeprefix("data: ")))

    @property
    def text(self):
        return "".join(each.get("delta", each.get("text", "")) for each in self.frames)


def begun(http, where):
    """Begins the answer in one protocol, and reads its stream."""
    if where == "ai-sdk":
        body = {"id": NAME, "messages": PROMPT, "model": MODEL}
        return Watched(http, "POST", "/api/chat", json=body)
    message = {"id": "m1", "role": "user", "content": "Count"}
    body = {"threadId": NAME, "runId": "r1", "messages": [message]}
    body |= {"forwardedProps": {"model": MODEL}}
    return Watched(http, "POST", "/ag-ui", json=body)


@sync_to_async
def running():
    run = Run.objects.filter(status="running").select_related("conversation", "answer").first()
    return run if run and run.first_token_at else None


async def stop(http, run, where):
    """Being stopped, or stopped by now, which a worker may be quicker to do than to say."""
    path = {"ag-ui": f"/ag-ui/{run.uuid}/cancel", "page": f"/runs/{run.uuid}/cancel"}[where]
    answer = await http.post(path)
    told = answer.status_code, answer.json()["status"]
    assert told in [(202, "running"), (200, "cancelled")], answer.text


@pytest.mark.parametrize(("first", "last"), [("ai-sdk", "ag-ui"), ("ag-ui", "page")])
async def test_it_is_the_same_answer_in_all(http, first, last):
    own = begun(http, first)
    run = await until(running, within=PATIENCE)
    watching = [
        own,
        Watched(http, "GET", "/api/chat/between%20us/stream"),
        Watched(http, "GET", f"/api/chat/{run.conversation.uuid}/stream"),
        Watched(http, "GET", f"/ag-ui?offset=-1&runId={run.uuid}"),
        Watched(http, "GET", f"/runs/{run.uuid}/events"),
    ]

    async def all_grow():
        return all("1 2 3 4 5" in each.text for each in watching)

    await until(all_grow, within=PATIENCE)
    await stop(http, run, last)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(each.read for each in watching))

    answer = await Message.objects.aget(pk=run.answer_id)
    assert [each.text for each in watching] == [answer.text] * 5
    assert answer.text.startswith("1 2 3")
    told = [each.frames for each in watching]
    ends = [seen[-1] for seen in told]
    for end in ends[1:3]:
        assert end == {"type": "abort", "reason": "Stopped by Script"}
    assert ends[3]["outcome"] == {"type": "cancelled"}
    assert told[3][1]["type"] == "MESSAGES_SNAPSHOT"
    assert told[3][2]["messageId"] == told[1][0]["messageId"] == str(answer.uuid)


async def test_what_is_someone_elses_is_not_there_by_its_own_ids_either(
    http, foreign, conversation, laptop
):
    await sync_to_async(conversation.change)(laptop, model="scripted:stall")
    await sync_to_async(conversation.refresh_from_db)()
    _, run, _ = await sync_to_async(conversation.post)("Mine", laptop)
    headers = {"Authorization": f"Bearer {foreign}"}
    here = f"/api/chat/{conversation.uuid}"
    asked = [
        ("GET", here, 404),
        ("GET", f"{here}/stream", 204),
        ("POST", f"{here}/stop", 404),
        ("GET", f"/ag-ui?offset=-1&runId={run.uuid}", 404),
        ("POST", f"/ag-ui/{run.uuid}/cancel", 404),
    ]
    for method, path, status in asked:
        assert (await http.request(method, path, headers=headers)).status_code == status, path
    thread = await http.get(f"/ag-ui?threadId={conversation.uuid}", headers=headers)
    assert thread.json() == {"messages": [], "activeRun": None}
    assert (await http.get(here)).json()["messages"][0]["parts"][0]["text"] == "Mine"
