"""Keeps one process's connections to MCP servers: one for each person, or one shared by all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from ...conf import conf
from ..errors import ToolError
from .connection import Connection
from .mcp_tool import McpTool, Progress

logger = logging.getLogger(__name__)

EVERYBODY = ""
Key = tuple[str, str]

_connections: dict[Key, Connection] = {}
# What a server had when it was last reached: while it is away its tools are there, and fail.
_known: dict[Key, Sequence[McpTool]] = {}


async def toolset(names: Iterable[str], person: str) -> list[McpTool]:
    """Returns the tools that these servers have for a person, by whose key they are told apart.

    A server that cannot be reached has those that it had before. Raises ImproperlyConfigured for a
    name that the settings do not have, and NotInstalled without the SDK.
    """
    asked = [(name, person_for(name, person)) for name in names]
    found = await asyncio.gather(*(tools_of(*key) for key in asked))
    return [tool for tools in found for tool in tools]


def person_for(name: str, person: str) -> str:
    """Returns whom a connection is for: everybody, where the server is shared."""
    return EVERYBODY if options_of(name).get("shared") else person


def options_of(name: str) -> Mapping[str, Any]:
    options = conf().mcp.get(name)
    if options is None or not (options.get("command") or options.get("url")):
        raise ImproperlyConfigured(f"STREAMS mcp has no server {name!r} with a command or a url.")
    return options


async def tools_of(name: str, person: str) -> Sequence[McpTool]:
    only = set(options_of(name).get("tools", ()))
    try:
        listed = await connection(name, person).tools()
    except ToolError as error:
        logger.warning("MCP server %s has no tools now: %s", name, error)
        return _known.get((name, person), ())
    tools = [tool for tool in listed if not only or tool.listed_name in only]
    for tool in tools:
        tool.caller = partial(call, name, person)
    _known[name, person] = tools
    return tools


async def call(
    name: str, person: str, tool: str, arguments: dict[str, Any], progress: Progress
) -> Any:
    """Calls a tool through the connection there is now, or a new one where it was lost."""
    return await connection(name, person).call(tool, arguments, progress)


def connection(name: str, person: str) -> Connection:
    """Returns the connection of this person, which may be just starting.

    Raises ToolError where there are as many as the setting `mcp_connections`, all in use.
    """
    tidy()
    there = _connections.get((name, person))
    if there is None:
        if len(_connections) >= conf().mcp_connections:
            make_room()
        there = _connections[name, person] = Connection(name, options_of(name), person)
    return there


def tidy() -> None:
    """Leaves connections that nobody has used for long, and forgets those that are gone."""
    for key, each in list(_connections.items()):
        if each.is_idle:
            each.leave()
        if each.gone and not each.waits:
            del _connections[key]
            if len(_known) > conf().mcp_connections:
                _known.pop(key, None)


def make_room() -> None:
    """Leaves the connection that was used longest ago."""
    unused = [key for key, each in _connections.items() if not each.calls]
    if not unused:
        raise ToolError("Too many servers of tools are in use. Try again in a minute.")
    oldest = min(unused, key=lambda key: _connections[key].used)
    _connections.pop(oldest).leave()


async def aclose() -> None:
    """Ends all connections, and the processes of servers."""
    closing = [each.aclose() for each in _connections.values()]
    _connections.clear()
    _known.clear()
    await asyncio.gather(*closing)
