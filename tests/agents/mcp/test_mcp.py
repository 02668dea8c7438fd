"""Tools of real MCP servers: processes of their own, by pipes and by HTTP."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from streams.agents import Agent, Context, Tool, ToolResult, tool
from streams.agents.calling import call, needs_approval
from streams.agents.mcp import servers

SERVER = str(Path(__file__).with_name("server.py"))
CONTEXT = Context(user="ann", conversation=None, run=None)  # type: ignore[arg-type]
BY_COMMAND = {"command": sys.executable, "args": [SERVER, "stdio"], "env": {"PERSON": "<{user}>"}}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class ByHttp:
    def __init__(self) -> None:
        self.port = free_port()
        self.start()

    def start(self) -> None:
        command = [sys.executable, SERVER, "http", str(self.port)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def by_http() -> Iterator[ByHttp]:
    server = ByHttp()
    yield server
    server.stop()


@pytest.fixture
async def configure(settings: Any) -> AsyncIterator[Any]:
    def configure(**named: Any) -> None:
        settings.STREAMS = {**settings.STREAMS, "mcp": named}

    yield configure
    await servers.aclose()


@pytest.fixture(params=["command", "url"])
def server(request: pytest.FixtureRequest, configure: Any) -> str:
    if request.param == "command":
        configure(s=BY_COMMAND)
    else:
        http = request.getfixturevalue("by_http")
        token = {"authorization": "Bearer {user}"}
        configure(s={"url": f"http://127.0.0.1:{http.port}/mcp", "headers": token})
    return str(request.param)


async def has(person: str, wanted: str = "s__add", *names: str) -> dict[str, Tool]:
    """The tools of a person, once the wanted one is among them."""
    agent = Agent(model="scripted:demo", mcp=names or ("s",))
    async with asyncio.timeout(30):
        while wanted not in (tools := await agent.toolset(person)):
            await asyncio.sleep(0.05)
    return dict(tools)


async def said(tool: Tool, arguments: str = "{}") -> str:
    result = await call(tool, CONTEXT, arguments)
    assert result.status == "ok", result
    return result.text


async def test_a_servers_tools_are_called_as_it_says_and_read_again_when_they_change(
    server: str,
) -> None:
    """All of it on one server: each start is more than a second of a core."""
    tools = await has("ann")
    await are_listed_and_called(tools, server)
    await need_a_yes_unless_they_only_read(tools)
    await tell_of_their_progress(tools)
    await said(tools["s__grow"])
    tools = await has("ann", "s__grown")
    assert await said(tools["s__grown"]) == "new"


async def are_listed_and_called(tools: dict[str, Tool], server: str) -> None:
    add = tools["s__add"].spec
    assert (add.description, sorted(add.parameters["properties"])) == (
        "Add two numbers.",
        ["a", "b"],
    )
    assert await said(tools["s__add"], '{"a": 2, "b": 3}') == "5"
    assert (await call(tools["s__add"], CONTEXT, '{"a": "x"}')).status == "error"
    broken = await call(tools["s__breaks"], CONTEXT, "{}")
    assert (broken.status, "no luck today" in broken.text) == ("error", True)
    if server == "url":
        assert await said(tools["s__header"]) == "Bearer ann"


async def need_a_yes_unless_they_only_read(tools: dict[str, Tool]) -> None:
    (write,) = (tool for name, tool in tools.items() if name.startswith("s__write_file"))
    assert await needs_approval(write, CONTEXT, '{"path": "x"}')
    assert not await needs_approval(tools["s__add"], CONTEXT, "{}")
    assert (write.repeat, tools["s__add"].repeat) == ("never", "safe")
    assert await said(write, '{"path": "x"}') == "written x"


async def tell_of_their_progress(tools: dict[str, Tool]) -> None:
    notes: list[str] = []

    async def tell(text: str) -> None:
        notes.append(text)

    assert await call(tools["s__slow"], CONTEXT, "{}", tell) == ToolResult("ok", "done")
    assert notes
    assert notes[0] == "1 / 3"


async def test_a_server_by_command_has_a_process_for_each_person_and_no_secrets(
    configure: Any,
) -> None:
    configure(s=BY_COMMAND, t={**BY_COMMAND, "shared": True})
    os.environ.setdefault("SECRET_KEY", "k")
    texts: dict[tuple[str, str], str] = {}
    for person in ("ann", "bob"):
        tools = await has(person, "t__person", "s", "t")
        for name in ("s", "t"):
            texts[name, person] = await said(tools[f"{name}__person"])
    assert re.fullmatch(r"<ann> \d+ ", texts["s", "ann"])
    assert re.fullmatch(r"<bob> \d+ ", texts["s", "bob"])
    assert texts["s", "ann"].split()[1] != texts["s", "bob"].split()[1]
    assert texts["t", "ann"] == texts["t", "bob"]
    assert texts["t", "ann"].startswith("<> ")


async def test_a_dead_server_is_an_error_result_and_is_started_again(configure: Any) -> None:
    configure(s=BY_COMMAND)
    tools = await has("ann")
    first = (await said(tools["s__person"])).split()[1]
    died = await call(tools["s__dies"], CONTEXT, "{}")
    assert (died.status, "s" in died.text) == ("error", True)
    again = (await said(tools["s__person"])).split()[1]
    assert first != again
    os.kill(int(again), 9)
    texts = [await call(tools["s__person"], CONTEXT, "{}") for _ in range(2)]
    assert texts[-1].status == "ok"
    assert texts[-1].text.split()[1] not in (first, again)


async def test_a_server_by_url_that_is_away_fails_and_comes_back(
    by_http: ByHttp, configure: Any
) -> None:
    configure(s={"url": f"http://127.0.0.1:{by_http.port}/mcp"})
    tools = await has("ann")
    by_http.stop()
    assert (await call(tools["s__add"], CONTEXT, '{"a": 1, "b": 1}')).status == "error"
    assert "s__add" in await has("ann")  # still there, and fails
    by_http.start()
    async with asyncio.timeout(30):
        while (await call(tools["s__add"], CONTEXT, '{"a": 1, "b": 1}')).text != "2":
            await asyncio.sleep(0.1)


async def test_a_server_that_does_not_start_has_no_tools_and_the_agent_goes_on(
    configure: Any,
) -> None:
    configure(gone={"command": "/nowhere/at-all"}, odd={"command": sys.executable, "args": ["-V"]})

    @tool
    def own() -> str:
        return "here"

    agent = Agent(model="scripted:demo", mcp=["gone", "odd"], tools=[own])
    assert list(await agent.toolset("ann")) == ["own"]


async def test_a_name_that_the_settings_lack_is_said(configure: Any) -> None:
    configure()
    with pytest.raises(ImproperlyConfigured, match="nobody"):
        await Agent(model="scripted:demo", mcp=["nobody"]).toolset("ann")


async def test_the_oldest_leaves_when_there_are_too_many_and_closing_ends_the_others(
    configure: Any, settings: Any
) -> None:
    configure(s=BY_COMMAND)
    settings.STREAMS = {**settings.STREAMS, "mcp_connections": 1}
    first, second = [int((await said((await has(who))["s__person"])).split()[1]) for who in "ab"]
    assert len(servers._connections) == 1
    async with asyncio.timeout(30):
        while is_there(first):
            await asyncio.sleep(0.02)
    assert is_there(second)
    await servers.aclose()
    assert not is_there(second)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
