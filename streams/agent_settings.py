"""The settings of agents and their tools; `streams.conf.Settings` inherits them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .notification_settings import NotificationSettings


@dataclass(frozen=True, slots=True)
class AgentSettings(NotificationSettings):
    """A part of `streams.conf.Settings`: the comment above each name is its entry in
    the reference.
    """

    # Agents
    #: Agents by name, each the dotted path of a `streams.agents.Agent`:
    #: `{"support": "shop.agents.support"}` is offered as the model `agent:support`.
    agents: Mapping[str, str] = field(default_factory=dict)
    #: MCP servers by name, as other MCP clients write them: `{"files": {"command": "…", "args":
    #: […]}}` or `{"search": {"url": "…", "headers": {…}}}`.
    mcp: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: MCP servers that one worker is connected to at most, each person's counted; those unused
    #: longest are left.
    mcp_connections: int = 100
    #: Seconds a call of a tool may take that does not say so itself.
    tool_seconds: float = 60.0
    #: Bytes of the arguments of one call; a longer one is refused, and the model told so.
    tool_arguments_bytes: int = 65_536
    #: Bytes of a call's result; the rest of a longer one is cut off.
    tool_result_bytes: int = 100_000
    #: Bytes of what a tool says of its progress.
    tool_progress_bytes: int = 1000
    #: Seconds between two notes of a call's progress.
    tool_progress_every: float = 0.5
    #: Seconds a run waits for decisions of people; then it fails as `undecided`.
    waiting_kept: float = 14 * 24 * 3600.0
    #: Plain functions of tools that one worker runs at once, each in a thread.
    tool_threads: int = 40
