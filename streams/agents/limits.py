"""How far a run of an agent may go, and what it has cost."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from .errors import need

if TYPE_CHECKING:
    from .agent import Agent


def reached(agent: Agent, *, steps: int, seconds: float, usage: Mapping[str, int]) -> str | None:
    """Returns the stop reason of the first limit that a run has reached, or None."""
    tokens = usage.get("input_tokens", 0) + usage.get("output_tokens", 0)
    over = {
        "max_steps": 0 < agent.max_steps <= steps,
        "max_seconds": 0 < agent.max_seconds <= seconds,
        "max_usage": 0 < agent.max_tokens <= tokens,
        "max_cost": agent.max_cost > 0 and agent.max_cost <= cost(agent.model, usage),
    }
    return next((why for why, is_over in over.items() if is_over), None)


def cost(model: str, usage: Mapping[str, int]) -> Decimal:
    """Returns what tokens of a `provider:model` cost in US dollars, as genai-prices knows it.

    Raises LookupError for a model whose price nobody knows, NotInstalled without the package.
    """
    prices = need("genai_prices", "agents")
    provider, _, name = model.partition(":")
    given = usage.get("input_tokens", 0)
    used = prices.Usage(
        input_tokens=given,
        output_tokens=usage.get("output_tokens", 0),
        cache_read_tokens=min(usage.get("cached_tokens", 0), given),
    )
    known = provider if provider in ("anthropic", "openai") else None
    return Decimal(prices.calc_price(used, name, provider_id=known).total_price)
