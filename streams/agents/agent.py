"""Defines an agent: a model with instructions, the tools it may call, and its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from . import limits
from .mcp import servers
from .tool import Tool


@dataclass(frozen=True, slots=True)
class Agent:
    """A model with instructions, tools and limits.

    `model` is a `provider:model` name. `mcp` names servers of the setting `mcp` whose tools it may
    call too. The limits are for one run: model calls, seconds of running (not of waiting for
    people), calls of tools at once, tokens in and out, and money in US dollars. 0 is none.
    """

    model: str
    instructions: str = ""
    tools: Sequence[Tool] = ()
    mcp: Sequence[str] = ()
    max_steps: int = 50
    max_seconds: float = 3600.0
    max_calls_at_once: int = 8
    max_tokens: int = 0
    max_cost: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if self.model.partition(":")[0] == "agent":
            raise TypeError(f"The model of an agent is no agent, and {self.model!r} is one.")
        if self.max_cost:
            self._check_price()
        names = [tool.name for tool in self.tools]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise TypeError(f"Two tools of one agent are called {' and '.join(twice)}.")

    def _check_price(self) -> None:
        """Raises TypeError where money could not be counted, and so would be no limit."""
        try:
            limits.cost(self.model, {})
        except LookupError as error:
            raise TypeError(f"max_cost: nobody knows what {self.model} costs.") from error

    async def toolset(self, user_key: str) -> Mapping[str, Tool]:
        """Returns the tools by name that this agent has for a person now, those of MCP servers
        included; `user_key` tells people apart. Raises NotInstalled if those need the extra `mcp`.
        """
        listed = await servers.toolset(self.mcp, user_key) if self.mcp else []
        return {tool.name: tool for tool in (*listed, *self.tools)}
