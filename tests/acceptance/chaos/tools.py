"""An agent whose tools have an effect that is counted elsewhere: at `CHAOS_SERVICE`, by key."""

from __future__ import annotations

import asyncio
import os
import urllib.request

import httpx

from streams.agents import Agent, Context, tool

PATH = f"/did?key={{key}}&tool={{tool}}&worker={os.getpid()}"


async def effect(context: Context, name: str) -> str:
    path = PATH.format(key=context.idempotency_key, tool=name)
    context.progress("asked")
    async with httpx.AsyncClient(base_url=os.environ["CHAOS_SERVICE"], trust_env=False) as http:
        answer = await http.post(path, timeout=30)
    return answer.text


@tool
async def act(context: Context, what: str) -> str:
    """Does something once."""
    return await effect(context, "act")


@tool
def act_apart(context: Context, what: str) -> str:
    """Does something once, in a thread."""
    path = PATH.format(key=context.idempotency_key, tool="act_apart")
    with urllib.request.urlopen(os.environ["CHAOS_SERVICE"] + path, data=b"", timeout=30) as answer:
        return str(answer.read(), "utf-8")


@tool(repeat="safe")
async def look(context: Context, what: str) -> str:
    """Looks something up."""
    return await effect(context, "look")


@tool(approval="always")
async def pay(context: Context, what: str) -> str:
    """Pays for something."""
    return await effect(context, "pay")


@tool(approval="always", repeat="safe")
async def search(context: Context, what: str) -> str:
    """Searches where a person has to agree."""
    return await effect(context, "search")


@tool(approval="always")
async def wait(context: Context, what: str) -> str:
    """Takes its time, and does nothing."""
    await asyncio.sleep(0.5)
    return await effect(context, "wait")


TOOLS = [act, act_apart, look, pay, search, wait]
agent = Agent(model="openai-chat:any", instructions="Be brief.", tools=TOOLS)
