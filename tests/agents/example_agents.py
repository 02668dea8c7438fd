"""The agents of a site, as its settings name them."""

from __future__ import annotations

from streams.agents import Agent, client_tool, tool


@tool(repeat="safe")
def double(number: int) -> int:
    """Double a number."""
    return 2 * number


@client_tool
def locate(accuracy: int = 100) -> str:
    """Returns where the person is."""
    raise AssertionError("never run here")


calculator = Agent(model="scripted:demo", instructions="Calculate.", tools=[double, locate])
keyed = Agent(model="anthropic:claude-sonnet-5-5")
no_agent = "calculator"
