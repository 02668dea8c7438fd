"""The limits of an agent's run: which of them it has reached, and what it has cost so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from .errors import need

if TYPE_CHECKING:
    from .agent import Agent

Usage = Mapping[str, int]

COUNTED = ("input_tokens", "output_tokens", "cached_tokens")


def reached(agent: Agent, *, steps: Sequence[Usage], seconds: float, usage: Usage) -> str | None:
    """Returns the stop reason of the first limit that a run has reached, or None. `steps` is what
    each step that ended took, and `usage` what all of the run did.
    """
    tokens = usage.get("input_tokens", 0) + usage.get("output_tokens", 0)
    over = {
        "max_steps": 0 < agent.max_steps <= len(steps),
        "max_seconds": 0 < agent.max_seconds <= seconds,
        "max_usage": 0 < agent.max_tokens <= tokens,
        "max_cost": agent.max_cost > 0 and agent.max_cost <= spent(agent.model, steps, usage),
    }
    return next((why for why, is_over in over.items() if is_over), None)


def spent(model: str, steps: Sequence[Usage], usage: Usage) -> Decimal:
    """Returns what a run cost: the price of each step, and of what it took beside them. Long
    requests have another price, which the sum of short ones must not be taken for.
    """
    in_steps = {name: sum(step.get(name, 0) for step in steps) for name in COUNTED}
    beside = {name: max(0, usage.get(name, 0) - count) for name, count in in_steps.items()}
    return sum((cost(model, part) for part in (*steps, beside)), Decimal())


def cost(model: str, usage: Usage) -> Decimal:
    """Returns what tokens of one request to a `provider:model` cost in US dollars, as genai-prices
    knows it.

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
