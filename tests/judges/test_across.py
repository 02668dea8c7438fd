"""One answer in every protocol at once: begun in one, watched in all, stopped from another."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from asgiref.sync import sync_to_async

from streams.models import Message, Run
from tests.worker.in_process_worker import until

pytestmark = pytest.mark.django_db(transaction=True)
NAME, MODEL = "between us", "scripted:count-2000@50"
PROMPT = [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Count"}]}]


@pytest.fixture
async def http(web, token, other_half):
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=web.url, headers=headers, timeout=30) as client:
        yield client


async def frames(http, method, path, **body):
    """The JSON of each frame, up to the end of the stream."""
    async with http.stream(method, path, **body) as answer:
        assert answer.status_code == 200
        lines = [line async for line in answer.aiter_lines() if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def begun(http, where):
    """Begins the answer in one protocol; the task reads its stream."""
    if where == "ai-sdk":
        body = {"id": NAME, "messages": PROMPT, "model": MODEL}
        return asyncio.create_task(frames(http, "POST", "/api/chat", json=body))
    message = {"id": "m1", "role": "user", "content": "Count"}
    body = {"threadId": NAME, "runId": "r1", "messages": [message]}
    body |= {"forwardedProps": {"model": MODEL}}
    return asyncio.create_task(frames(http, "POST", "/ag-ui", json=body))


@sync_to_async
def running():
    run = Run.objects.filter(status="running").select_related("conversation", "answer").first()
    return run if run and run.first_token_at else None


async def stop(http, run, where):
    path = {
        "ai-sdk": "/api/chat/between%20us/stop",
        "ag-ui": f"/ag-ui/{run.uuid}/cancel",
        "page": f"/runs/{run.uuid}/cancel",
    }[where]
    assert (await http.post(path)).status_code == 202


@pytest.mark.parametrize(("first", "last"), [("ai-sdk", "ag-ui"), ("ag-ui", "page")])
async def test_it_is_the_same_answer_in_all(http, first, last):
    own = begun(http, first)
    run = await until(running, within=30)
    watching = [
        own,
        asyncio.create_task(frames(http, "GET", "/api/chat/between%20us/stream")),
        asyncio.create_task(frames(http, "GET", f"/api/chat/{run.conversation.uuid}/stream")),
        asyncio.create_task(frames(http, "GET", f"/ag-ui?offset=-1&runId={run.uuid}")),
        asyncio.create_task(frames(http, "GET", f"/runs/{run.uuid}/events")),
    ]
    await asyncio.sleep(1)
    await stop(http, run, last)

    async with asyncio.timeout(30):
        told = await asyncio.gather(*watching)

    answer = await Message.objects.aget(pk=run.answer_id)
    texts = ["".join(each.get("delta", each.get("text", "")) for each in seen) for seen in told]
    assert texts == [answer.text] * 5
    assert answer.text.startswith("1 2 3")
    ends = [seen[-1] for seen in told]
    for end in ends[1:3]:
        assert end == {"type": "abort", "reason": "Stopped by Script"}
    assert ends[3]["outcome"] == {"type": "cancelled"}
    assert told[3][1]["messageId"] == told[1][0]["messageId"] == str(answer.uuid)


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
