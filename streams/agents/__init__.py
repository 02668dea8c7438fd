"""Agents: a model, its instructions, and the tools that it may call.

    from streams.agents import Agent, Context, tool

    @tool(approval="always", timeout=30)
    async def refund(context: Context, order: int, reason: str) -> str:
        \"""Refund an order. `reason` is shown to the customer.\"""
        ...

    support = Agent(model="anthropic:claude-sonnet-5-5", instructions="…", tools=[refund])

`STREAMS = {"agents": {"support": "shop.agents.support"}}` offers it as the model `agent:support`.
Tools need the extra `agents`.
"""

from __future__ import annotations

from .agent import Agent
from .errors import NotInstalled, ToolError
from .function_tool import FunctionTool, client_tool, tool
from .tool import Tool, ToolResult
from .tool_context import Context

__all__ = [
    "Agent",
    "Context",
    "FunctionTool",
    "NotInstalled",
    "Tool",
    "ToolError",
    "ToolResult",
    "client_tool",
    "tool",
]
