"""Workers of agents are killed, frozen and drained in every phase, and no effect is doubled.

`pytest tests/acceptance/test_agent_chaos.py --chaos-seconds 600 --chaos-seed 7`. A storm of more
than half a minute is dense: a step has up to eight calls, and workers get to work between losses.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from streams.log.transcript import fold

from .chaos.agent_workload import Model, Person, Service
from .chaos.device import Device
from .chaos.fault_injector import free_port
from .chaos.final_checks import TERMINAL, Verdict, judge_device, read, table
from .chaos.people import populate
from .chaos.postgres import Postgres
from .chaos.worker_losses import Losses
from .test_chaos import all_ended, all_there

pytestmark = pytest.mark.early
LEASE = 1.5
STREAMS = {
    "lease": LEASE, "heartbeat": 0.4, "drain": 1.0, "worker_rescan": 0.3, "stream_rescan": 1.0,
    "ping": 1.0, "max_attempts": 20, "agents": {"crew": "tests.acceptance.chaos.tools.agent"},
}  # fmt: skip
CALLS = """
SELECT t.key::text, t.uuid::text, r.uuid::text, t.name, t.repeat, t.status, t.decision, t.result
  FROM streams_toolcall t JOIN streams_run r ON r.id = t.run_id
"""
# Each statement sees one moment.
WRONGLY_WAITING = """
SELECT r.uuid::text, c.undecided, c.active_run_id, r.worker_id FROM streams_run r
  JOIN streams_conversation c ON c.id = r.conversation_id
 WHERE r.status = 'waiting'
   AND (c.undecided = 0 OR c.active_run_id IS NOT NULL OR r.worker_id IS NOT NULL
        OR c.undecided <> (SELECT count(*) FROM streams_toolcall t
                            WHERE t.run_id = r.id AND t.status = 'waiting'))
"""
COUNT_WAITING = "SELECT count(*) FROM streams_run WHERE status = 'waiting'"
LEFT = """
SELECT uuid::text FROM streams_conversation WHERE active_run_id IS NOT NULL OR undecided <> 0
"""
BEFORE_IT_RAN = "Stopped before it ran."


@pytest.mark.timeout(0)
async def test_no_effect_is_doubled_whatever_becomes_of_workers(request, migrated, capsys):
    seconds = request.config.getoption("--chaos-seconds")
    seed = request.config.getoption("--chaos-seed")
    dense = seconds > 30
    async with (
        asyncio.timeout(2 * seconds + 240), Postgres(migrated) as postgres,
        Model(seed, 8 if dense else 3) as model, Service(seed) as service,
    ):  # fmt: skip
        losses = Losses(seed, postgres, LEASE, service, dense)
        try:
            crowd = await populate(postgres.url, 16 if dense else 8, "agent:crew")
            steer = (
                "UPDATE streams_conversation SET on_busy = 'steer' WHERE id %% 2 = 0 RETURNING 1"
            )
            await postgres.query(steer)
            ports = [free_port()]
            await settle_in(losses, postgres, model, service, ports)
            devices, people = inhabit(seed, crowd, ports, 0.004 if dense else 0.02)
            waiting = await live(losses, seconds, postgres, devices, people)
        finally:
            await losses.clear()
        logs = await read(postgres)
        calls = await postgres.query(CALLS)
        left = await postgres.query(LEFT)
    verdict = judge(logs, devices, model)
    judge_calls(verdict, calls, service)
    verdict.against(
        "calls without one result each", str(model.unanswered[:1]), len(model.unanswered)
    )
    verdict.against("leases and counts that are left", str(left), len(left))
    with capsys.disabled():
        print(table(verdict, summary(verdict, losses, service, calls, people, model, waiting)))
    assert not verdict.broken, verdict.examples
    assert set(+losses.faults) == set(losses.kinds), "a kind of loss never came"
    assert sum(service.did.values()) > 10


async def settle_in(losses, postgres, model, service, ports):
    known = {"DATABASE_URL": postgres.url, "STREAMS": json.dumps(STREAMS)}
    houses = [losses.add("web", str(port), **known) for port in ports]
    known |= {"OPENAI_CHAT_BASE_URL": f"{model.url}/v1", "OPENAI_CHAT_API_KEY": "k"}
    known |= {"CHAOS_SERVICE": service.url}
    houses += [losses.add("worker", **known) for _ in range(2)]
    await asyncio.gather(*(house.open() for house in houses))


def inhabit(seed, crowd, ports, stops):
    """Two devices a conversation, and a person who prompts and decides there."""
    devices, people = [], []
    for nth, owner in enumerate(crowd):
        stranger = crowd[nth - 1]["cookies"][0]
        for uuid in owner["conversations"]:
            own = [Device(f"{seed} {uuid} {n}", owner["cookies"][n], uuid, ports) for n in (0, 1)]
            name = f"{seed} {len(people)}"
            people.append(Person(name, owner["cookies"], stranger, own[0], stops))
            devices += own
    return devices, people


async def live(losses, seconds, postgres, devices, people):
    """Returns how often a run was seen waiting."""
    seen: Counter[str] = Counter()
    async with asyncio.TaskGroup() as everyone:
        following = [everyone.create_task(device.live()) for device in devices]
        following += [everyone.create_task(person.decide()) for person in people]
        prompting = [everyone.create_task(person.live()) for person in people]
        looking = everyone.create_task(look(postgres, seen))
        await losses.storm(seconds)
        for each in prompting:
            each.cancel()
        for device in devices:
            device.calm = True
        await all_ended(postgres)
        await all_there(postgres, devices, losses)
        for each in (*following, looking):
            each.cancel()
    return seen["waiting"]


async def look(postgres, seen):
    """No run ever waits with nothing undecided, or with a lease."""
    async with await postgres.connect() as connection:
        while True:
            wrong = await (await connection.execute(WRONGLY_WAITING)).fetchall()
            assert not wrong, wrong
            (found,) = await (await connection.execute(COUNT_WAITING)).fetchone()
            seen["waiting"] += found
            await asyncio.sleep(0.1)


def judge(logs, devices, model) -> Verdict:
    verdict = Verdict()
    for uuid, log in logs.items():
        if [row.seq for row in log.rows] != list(range(1, len(log.rows) + 1)):
            verdict.against("logs with gaps", uuid)
        for run, status in log.runs.items():
            verdict.ends[status] += 1
            ends = [row.type for row in log.rows if is_end(row, run)]
            if ends != [f"run.{status}"]:
                verdict.against("runs without exactly one end", f"{run} {status}: {ends}")
        verdict.failures.update(row.data["code"] for row in log.rows if row.type == "run.failed")
        transcript = fold(log.rows)
        for message in transcript.messages:
            if message.run and transcript.runs[message.run].status == "completed":
                judge_answer(verdict, message, model)
    for device in devices:
        judge_device(verdict, device, logs[device.conversation])
    return verdict


def is_end(row, run) -> bool:
    if row.type == "run.steered":
        return row.data["absorbed"] == run
    return row.type in TERMINAL and row.data["run"] == run


def judge_answer(verdict, message, model):
    """Each text is one request's, whole, and no request's text stands twice."""
    said = [block["text"].split() for block in message.blocks if block["kind"] == "text"]
    requests = []
    for words in said:
        tokens = [tuple(map(int, word.split("."))) for word in words]
        verdict.stored += len(tokens)
        request = tokens[0][0]
        requests.append(request)
        whole = [(request, n) for n in range(model.lengths[request])]
        verdict.against("tokens lost", f"{message.run}: {tokens}", len(set(whole) - set(tokens)))
        verdict.against(
            "tokens doubled", f"{message.run}: {tokens}", len(tokens) - len(set(tokens))
        )
        if set(tokens) - set(whole):
            verdict.against("another request's tokens", f"{message.run}: {tokens}")
    if len(requests) != len(set(requests)):
        verdict.against("steps that stand twice", f"{message.run}: {requests}")


def judge_calls(verdict: Verdict, calls: list[tuple[Any, ...]], service: Service) -> None:
    """The ledger against the service: equal, or `unknown`, or stopped in the middle."""
    known = {key for key, *_ in calls}
    verdict.against("effects of no call", "", len(set(service.did) - known))
    for key, uuid, run, name, repeat, status, decision, result in calls:
        did, about = service.did[key], f"{run} {uuid} {name} {status}: {service.did[key]} times"
        if did and service.tools[key] != name:
            verdict.against("effects of another tool", about)
        if repeat == "never" and did > 1:
            verdict.against("effects doubled", about)
        if status == "ok" and not did:
            verdict.against("effects lost", about)
        never_ran = status == "denied" or (status, result) == ("cancelled", BEFORE_IT_RAN)
        if never_ran and did:
            verdict.against("effects of calls that the ledger says never ran", f"{about} {result}")
        if name in ("pay", "search", "wait") and did and decision != "approved":
            verdict.against("effects without a yes", about)
        if status in ("waiting", "approved", "running"):
            verdict.against("calls that never ended", about)


def summary(verdict, losses, service, calls, people, model, waiting) -> dict[str, object]:
    counted = sum((person.counts for person in people), Counter())
    return {
        **{f"loss: {kind}": n for kind, n in sorted(losses.faults.items())},
        **dict(losses.phases.table(["killed", "frozen", "drained"])),
        **{f"{kind}": n for kind, n in sorted(counted.items())},
        **{f"runs {status}": n for status, n in sorted(verdict.ends.items())},
        **{f"  failed as {code}": n for code, n in sorted(verdict.failures.items())},
        "steps asked of the model": model.asked,
        **dict(ledger_and_service(calls, service)),
        "calls with an effect": len(service.did),
        "effects": service.effects,
        "times a waiting run was seen": waiting,
        "tokens stored in whole answers": verdict.stored,
        "tokens delivered to devices": verdict.delivered,
        **{what: verdict.broken[what] for what in ("tokens lost", "tokens doubled")},
        **{what: verdict.broken[what] for what in ("effects lost", "effects doubled")},
    }


def ledger_and_service(calls, service):
    """Returns what the ledger says of calls, with how often the service was asked to do each."""
    counted = Counter((c[4], c[5], min(service.did[c[0]], 2)) for c in calls)
    heads = ("calls", "undone", "once", "again")
    yield "ledger: repeat, status", " ".join(f"{head:>8}" for head in heads)
    for repeat, status in sorted({kind[:2] for kind in counted}):
        times = [counted[repeat, status, n] for n in range(3)]
        yield f"  {repeat}, {status}", " ".join(f"{n:>8}" for n in (sum(times), *times))
