"""The real clients and an agent whose tools ask, with a model that is told what to call."""

from __future__ import annotations

import asyncio
import json

import pytest

from streams.models import ToolCall
from tests.processes import Web
from tests.worker import agents
from tests.worker.agent_runs import Script
from tests.worker.agents import calls, says
from tests.worker.in_process_worker import working

from .clients import EARLIER, judge, passed

pytestmark = pytest.mark.django_db(transaction=True)
AGENTS = {"a": "tests.worker.agents.agent"}


@pytest.fixture
def script(monkeypatch, other_half):
    from streams.worker import process

    provider = Script()
    monkeypatch.setattr(process, "resolve", lambda name: (provider, "m"))
    return provider


@pytest.mark.parametrize(
    ("client", "judged", "checks"),
    [
        pytest.param("ai-6", "ai_sdk/tools.mjs", 5, marks=EARLIER),
        ("ai-7", "ai_sdk/tools.mjs", 5),
        ("ag-ui", "ag_ui/tools.mjs", 5),
    ],
    ids=["ai-6", "ai-7", "ag-ui"],
)
async def test_a_client_runs_tools_and_decides(
    client, judged, checks, crew, spawn, token, settings, script
):
    crew.dismiss()  # the worker is in this process
    settings.STREAMS = {**settings.STREAMS, "agents": AGENTS}
    agents.forget()
    web = spawn(Web, STREAMS=json.dumps({"agents": AGENTS}))
    script.then(calls(("act", "a"), text="Let me see."), says("All done."))
    for n, name in enumerate(("pay", "pay", "locate"), 1):
        script.then(calls((name, str(n)), first=n), says("All done."))
    script.then(calls(("locate", "4"), first=4))
    async with working():
        told = await asyncio.to_thread(judge, client, judged, web.url, token)
    passed(told, at_least=checks)
    assert agents.done == {"a": 1, "1": 1}
    located = await ToolCall.objects.filter(name="locate").order_by("pk").afirst()
    assert (located.status, located.result) == ("ok", "Bern")
