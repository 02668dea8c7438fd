"""The user's feed: the list of conversations, live, on every process."""

from __future__ import annotations

import asyncio
import json

import pytest
from asgiref.sync import sync_to_async

from streams.models import DeviceSession
from tests.client import Client
from tests.factories import ConversationFactory, DeviceFactory
from tests.processes import Web
from tests.views.answers import begin, complete, say

pytestmark = pytest.mark.django_db(transaction=True)


class Shelf:
    """The list that a page makes of its feed; `see` waits until it looks as it should."""

    def __init__(self):
        self.lines = {}
        self.frames = []
        self.changed = asyncio.Condition()

    async def follow(self, client, url, path="/c/events"):
        async for event in client.read(url, path):
            if event.event == "feed":
                async with self.changed:
                    self.apply(json.loads(event.data))
                    self.changed.notify_all()

    def apply(self, frame):
        self.frames.append(frame)
        if "snapshot" in frame:
            self.lines = {line["id"]: line for line in frame["snapshot"]}
            return
        self.lines |= {line["id"]: line for line in frame["changed"]}
        for id in frame["gone"]:
            self.lines.pop(id, None)

    async def see(self, check):
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: check(self.lines))


@pytest.fixture
async def shelves():
    """Open the feed of a device; closed at the end."""
    following = []

    async def opened(device, web, path="/c/events"):
        shelf = Shelf()
        client = await Client.of(device)
        following.append(asyncio.create_task(shelf.follow(client, web.url, path)))
        await shelf.see(lambda lines: shelf.frames)
        return shelf

    yield opened
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)


async def test_everything_the_list_shows_arrives_on_every_process(
    standing, shelves, anna, laptop, phone, bert
):
    webs = standing(1), standing(2)
    one, two = await shelves(laptop, webs[0]), await shelves(phone, webs[1])
    others = await shelves(await sync_to_async(DeviceFactory)(user=bert), webs[0])

    async def both(check):
        await asyncio.gather(one.see(check), two.see(check))

    conversation = await sync_to_async(ConversationFactory)(owner=anna)
    id = str(conversation.uuid)
    _, run, _ = await sync_to_async(conversation.post)("What is new?", laptop)
    await both(lambda lines: id in lines and lines[id]["name"] == "What is new?")
    await both(lambda lines: lines[id]["queued"] and not lines[id]["running"])
    await sync_to_async(begin)(run)
    await both(lambda lines: lines[id]["running"] and not lines[id]["queued"])
    await sync_to_async(complete)(run)
    await both(lambda lines: not lines[id]["running"] and lines[id]["unread"])
    await sync_to_async(DeviceSession.visit)(phone, conversation, 99)
    await both(lambda lines: not lines[id]["unread"])
    await sync_to_async(conversation.change)(phone, title="Named")
    await both(lambda lines: lines[id]["name"] == "Named" and not lines[id]["unread"])
    await sync_to_async(conversation.delete_softly)(phone)
    await both(lambda lines: id not in lines)
    await sync_to_async(conversation.restore)()
    await both(lambda lines: id in lines)
    assert others.frames == [{"snapshot": []}]


async def test_tokens_send_nothing_through_the_feed(standing, shelves, conversation, laptop):
    web = standing()
    _, run, _ = await sync_to_async(conversation.post)("Hi", laptop)
    await sync_to_async(begin)(run)
    shelf = await shelves(laptop, web)
    before = len(shelf.frames)
    for number in range(20):
        await sync_to_async(say)(run, "word ", index=number)
    await sync_to_async(complete)(run)
    await shelf.see(lambda lines: not lines[str(conversation.uuid)]["running"])
    assert len(shelf.frames) == before + 1


async def test_one_connection_carries_the_conversation_and_the_feed(standing, conversation, laptop):
    web = standing()
    client = await Client.of(laptop)
    await sync_to_async(conversation.post)("Hi", laptop)
    seen = []
    async with asyncio.timeout(10):
        async for event in client.read(web.url, f"/c/{conversation.uuid}/events?feed=1"):
            seen.append(event.event)
            if event.event == "feed":
                break
    assert seen == ["message.created", "run.queued", "sync", "feed"]


async def test_a_signal_that_was_lost_only_delays(spawn, shelves, anna, laptop):
    web = spawn(Web, STREAMS='{"stream_rescan": 0.2, "feed_rescan": 0.2}')
    shelf = await shelves(laptop, web)
    quiet = await sync_to_async(ConversationFactory)(owner=anna)  # nobody is told of a row
    await shelf.see(lambda lines: str(quiet.uuid) in lines)
