"""No event is lost or doubled while processes, connections and PostgreSQL fail at random.

`pytest tests/acceptance/test_chaos.py --chaos-seconds 600 --chaos-seed 7`
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter

import pytest

from .chaos.device import Device, ask
from .chaos.fault_injector import Weather, free_port
from .chaos.final_checks import judge, read, table
from .chaos.model import Model
from .chaos.people import populate
from .chaos.postgres import Postgres
from .chaos.prompting_person import Author

pytestmark = pytest.mark.early
LEASE = 2.0
STREAMS = {
    "lease": LEASE, "heartbeat": 0.5, "drain": 2.0,
    "worker_rescan": 0.3, "stream_rescan": 1.0, "ping": 1.0,
    "first_token_timeout": 5.0, "next_token_timeout": 3.0, "provider_retries": 2,
    "buffer_seconds": 6.0,
}  # fmt: skip
OPEN = "SELECT r.uuid::text, r.status, r.attempt FROM streams_run r WHERE ended_at IS NULL"


@pytest.fixture
def seconds(request):
    return request.config.getoption("--chaos-seconds")


@pytest.fixture
def seed(request):
    return request.config.getoption("--chaos-seed")


@pytest.mark.timeout(0)
async def test_nothing_is_lost_and_nothing_doubled_whatever_falls(seconds, seed, migrated, capsys):
    conversations, each = (100, 3) if seconds > 60 else (12, 3)
    async with (
        asyncio.timeout(seconds + 240),
        Postgres(migrated) as postgres,
        Model(seed) as model,
    ):
        weather = Weather(seed, postgres, LEASE)
        ports = [free_port(), free_port()]
        try:
            people = await populate(postgres.url, conversations)
            await settle_in(weather, postgres, model, ports)
            devices, authors = crowd(seed, people, ports, each, weather.broken)
            await live(weather, seconds, postgres, devices, authors)
        finally:
            await weather.clear()
        logs = await read(postgres)
    verdict = judge(logs, devices, model)
    counted = sum((device.counts for device in devices), Counter())
    posted = sum((author.counts for author in authors), Counter())
    with capsys.disabled():
        print(table(verdict, summary(verdict, weather, model, counted, posted, devices)))
    assert not verdict.broken, verdict.examples
    assert set(+weather.faults) == set(weather.kinds), "a kind of fault never came"
    assert counted["dropped"] > len(devices)
    assert weather.answered_meanwhile, "nothing was broken"


async def settle_in(weather, postgres, model, ports):
    known = {"DATABASE_URL": postgres.url, "STREAMS": json.dumps(STREAMS), "LOG_LEVEL": "INFO"}
    houses = [weather.add("web", str(port), **known) for port in ports]
    known |= {"OPENAI_CHAT_BASE_URL": f"{model.url}/v1", "OPENAI_CHAT_API_KEY": "k"}
    houses += [weather.add("worker", **known) for _ in range(2)]
    await asyncio.gather(*(house.open() for house in houses))


def crowd(seed, people, ports, each, broken):
    """Devices of everyone's conversations, and one author a conversation."""
    devices, authors = [], []
    for person in people:
        for uuid in person["conversations"]:
            jars = [person["cookies"][n % 2] for n in range(each)]
            own = [
                Device(f"{seed} {uuid} {n}", jar, uuid, ports, broken) for n, jar in enumerate(jars)
            ]
            authors.append(Author(f"{seed} {len(authors)}", jars[0], own[0]))
            devices += own
    return devices, authors


async def live(weather, seconds, postgres, devices, authors):
    async with asyncio.TaskGroup() as everyone:
        following = [everyone.create_task(device.live()) for device in devices]
        writing = [everyone.create_task(author.live()) for author in authors]
        await weather.storm(seconds)
        for each in writing:
            each.cancel()
        for device in devices:
            device.calm = True
        await all_ended(postgres)
        await all_there(postgres, devices, weather)
        for each in following:
            each.cancel()


STILL = 60.0  # seconds in which nothing changes: however slow a machine is, something would


async def nothing_left(look, told):
    """Returns once `look` finds nothing. What it finds has to change until then."""
    last, since = None, time.monotonic()
    while left := await look():
        if left != last:
            last, since = left, time.monotonic()
        assert time.monotonic() - since < STILL, f"{told}: {left}"
        await asyncio.sleep(0.1)


async def all_ended(postgres):
    await nothing_left(lambda: postgres.query(OPEN), "runs that nobody ends")


async def all_there(postgres, devices, weather):
    heads = dict(await postgres.query("SELECT uuid::text, last_seq FROM streams_conversation"))

    async def late():
        standing = [(d.transcript.head, heads[d.conversation]) for d in devices]
        return [(at, head) for at, head in standing if at != head]

    await nothing_left(late, "devices that never caught up")
    for device in devices[::3]:
        status, page = await ask(
            device.ports[0], "GET", f"/c/{device.conversation}/", device.cookies
        )
        told = device.transcript.as_dict()
        assert status == 200
        assert {name: page[name] for name in told} == told


def summary(verdict, weather, model, counted, posted, devices):
    answered = {k: n for k, n in sorted(counted.items()) if k.startswith("answered")}
    return {
        **{f"fault: {kind}": n for kind, n in sorted((weather.faults + model.faults).items())},
        "others' answers while one was broken": " ".join(map(str, weather.answered_meanwhile)),
        "devices": len(devices),
        "streams opened, dropped by the device": counted["dropped"],
        "streams lost by the fault": counted["lost"] + counted["silent"],
        **{f"streams {k}": n for k, n in answered.items()},
        **{f"prompts and cancels: {kind}": n for kind, n in sorted(posted.items())},
        **{f"runs {status}": n for status, n in sorted(verdict.ends.items())},
        "tokens the model sent": model.produced,
        "tokens stored": verdict.stored,
        "tokens delivered to devices": verdict.delivered,
        "tokens lost": verdict.broken["tokens lost"],
        "tokens doubled": verdict.broken["tokens doubled"],
        "tokens of zombies": verdict.broken["attempts with another's tokens"],
        "shown and not in the table": verdict.broken["events shown that are not in the table"],
    }
