"""An agent of a shop, whose tools describe their calls in words of their own."""

from __future__ import annotations

from streams.agents import Agent, tool


@tool(
    title="Look order {order} up",
    running="Looking up order {order}",
    done="Looked up order {order}",
)
def find_order(order: int) -> str:
    """Find an order."""
    return f"Order {order}: a lamp, 41.00"


@tool(
    approval="always", title="Refund order {order}", running="Refunding order {order}",
    done="Refunded order {order}",
)  # fmt: skip
def refund(order: int, reason: str) -> str:
    """Refund an order."""
    return "Refunded"


shop = Agent(model="scripted:demo", instructions="Help.", tools=[find_order, refund])
