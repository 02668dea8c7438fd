"""An agent whose tools a test counts and delays, with a model that says what the test tells it."""

from __future__ import annotations

import asyncio
from collections import Counter

from streams.agents import Agent, Context, ToolError, client_tool, tool
from streams.providers.base import BlockDelta, BlockEnded, BlockStarted, Finished, Kind

done: Counter[str] = Counter()
keys: dict[str, list[str]] = {}
holding: dict[str, asyncio.Event] = {}


def forget() -> None:
    done.clear()
    keys.clear()
    holding.clear()


async def work(context: Context, what: str) -> str:
    """Does what every tool here does: counts, and waits where the test says so."""
    done[what] += 1
    keys.setdefault(what, []).append(context.idempotency_key)
    if what in holding:
        context.progress(f"{what} is under way")
        await holding[what].wait()
    return f"{what} is done"


@tool
async def act(context: Context, what: str) -> str:
    """Does something once."""
    return await work(context, what)


@tool(repeat="safe")
async def look(context: Context, what: str) -> str:
    """Looks something up."""
    return await work(context, what)


@tool(approval="always")
async def pay(context: Context, what: str) -> str:
    """Pays for something."""
    return await work(context, what)


@tool
async def fail(what: str) -> str:
    """Fails."""
    raise ToolError(f"{what} cannot be")


@client_tool
def locate(what: str) -> str:
    """Finds out where the person is."""
    raise AssertionError


TOOLS = [act, look, pay, fail, locate]
agent = Agent(model="scripted:demo", instructions="Be brief.", tools=TOOLS)
brief = Agent(model="scripted:demo", tools=TOOLS, max_steps=2)
far = Agent(model="openai:m")
without = Agent(model="scripted:demo", tools=[act])
changed = Agent(
    model="scripted:demo", tools=[tool(name="pay", approval="always")(lambda amount: None)]
)


def gives_up(prompt, run):
    """A `STREAMS["context"]` that ends as if somebody had cancelled it."""
    raise asyncio.CancelledError


def calls(*wanted, text="", first=0, usage=None, replay=()):
    """A step that calls tools: each `(tool's name, what)`; with `text` before them."""
    events = []
    if text:
        events += said(text, index=0)
    at = len(events) and 1
    for n, (name, what) in enumerate(wanted, at):
        events += [
            BlockStarted(n, Kind.TOOL_CALL, name=name, call_id=f"call-{first + n}"),
            BlockDelta(n, f'{{"what": "{what}"}}'),
            BlockEnded(n),
        ]
    used = {"input_tokens": 10, "output_tokens": 5} if usage is None else usage
    return [*events, Finished("tool_call", used, replay)]


def says(text, usage=None):
    used = {"input_tokens": 10, "output_tokens": 5} if usage is None else usage
    return [*said(text), Finished("end_turn", used)]


def said(text, index=0):
    return [BlockStarted(index, Kind.TEXT), BlockDelta(index, text), BlockEnded(index)]
