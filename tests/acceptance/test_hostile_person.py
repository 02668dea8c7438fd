"""A user who makes the server work as hard as possible hardly slows down the others."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import chain

import pytest
from asgiref.sync import sync_to_async

from tests.client import cookies_of
from tests.factories import ConversationFactory, DeviceFactory
from tests.views.answers import begin, complete, say

from .chaos.device import head_of

pytestmark = pytest.mark.django_db(transaction=True)

ORDINARY, HOSTILE, SAMPLES = 5, 20, 10
SLOW = "![" * 20_000
PROSE = "Some *words* of an answer, with `code` and a [link](https://a.b/).\n\n" * 5
MOST, TRIES = 3, 6


@sync_to_async
def person(text):
    """Cookies, and the page of a conversation with one answer."""
    device = DeviceFactory()
    conversation = ConversationFactory(owner=device.user)
    _, run, _ = conversation.post("Go on", device)
    begin(run)
    say(run, text)
    complete(run)
    return cookies_of(device), f"/c/{conversation.uuid}/"


async def asked(port, method, path, cookies, body=b""):
    """The status, and how many seconds the answer took."""
    more = {"Accept": "text/html", "Connection": "close", "X-CSRFToken": "t" * 32}
    if body:
        more |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head_of(method, path, cookies, **more) + body)
        answer = await reader.read()
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1]), time.monotonic() - began


async def p99(web, people, samples=SAMPLES):
    """Returns the 99th percentile of the times of ordinary people, who read on as soon as they have
    their page.
    """

    port = port_of(web)

    async def reading(cookies, path):
        seconds = []
        for _ in range(samples):
            status, took = await asked(port, "GET", path, cookies)
            assert status == 200, web.output
            seconds.append(took)
        return seconds

    each = await asyncio.gather(*(reading(*one) for one in people))
    ordered = sorted(chain.from_iterable(each))
    return ordered[len(ordered) * 99 // 100 - 1]


def port_of(web):
    return int(web.url.rpartition(":")[2])


class Hostile:
    """Twenty requests at any time: half of them text to format, half a page that has to."""

    def __init__(self, port, cookies, path):
        self.port, self.cookies, self.path = port, cookies, path
        self.statuses = set()

    async def __aenter__(self):
        self.tasks = [asyncio.create_task(self.insist(n)) for n in range(HOSTILE)]
        await asyncio.sleep(0.5)

    async def __aexit__(self, *_):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def insist(self, number):
        while True:
            if number % 2:
                known = await asked(self.port, "GET", self.path, self.cookies)
            else:
                text = SLOW + str(time.monotonic_ns())  # never the same, or it would be kept
                body = json.dumps({"text": text, "ended": True}).encode()
                known = await asked(self.port, "POST", "/render", self.cookies, body)
            self.statuses.add(known[0])


async def test_a_hostile_person_makes_nobody_else_wait_three_times_as_long(standing, capsys):
    web = await sync_to_async(standing)()
    people = [await person(PROSE) for _ in range(ORDINARY)]
    hostile = Hostile(port_of(web), *await person(SLOW))
    await p99(web, people, 2)  # the first requests of a process
    ratios = []
    while not ratios or (min(ratios) > MOST and len(ratios) < TRIES):
        alone = await p99(web, people)
        async with hostile:
            ratios.append(await p99(web, people) / alone)
    with capsys.disabled():
        print(f"\nordinary people's p99 beside a hostile one: {min(ratios):.1f} times as long")
    assert min(ratios) <= MOST
    assert hostile.statuses <= {200, 429}, "some of the person's own tabs may be told to wait"
