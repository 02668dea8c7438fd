"""Limits of an agent's run."""

from __future__ import annotations

from decimal import Decimal

import pytest

from streams.agents import Agent
from streams.agents.limits import cost, reached, spent

MODEL = "anthropic:claude-sonnet-4-5"


def agent(**limits: object) -> Agent:
    return Agent(model=MODEL, **{"max_steps": 0, "max_seconds": 0.0, **limits})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({}, None),
        ({"max_steps": 4}, None),
        ({"max_steps": 3}, "max_steps"),
        ({"max_seconds": 10.0}, "max_seconds"),
        ({"max_tokens": 1100}, "max_usage"),
        ({"max_tokens": 1101}, None),
        ({"max_cost": Decimal("0.0045")}, "max_cost"),
        ({"max_cost": Decimal("0.0046")}, None),
    ],
)
def test_a_run_ends_at_the_limit_it_reaches(limits: dict[str, object], why: str | None):
    used = {"input_tokens": 1000, "output_tokens": 100}
    assert reached(agent(**limits), steps=[used, {}, {}], seconds=10.0, usage=used) == why


def test_each_step_has_its_own_price():
    """That of this model doubles for a request of more than 200,000 tokens."""
    step, all_of_it = {"input_tokens": 150_000}, {"input_tokens": 300_000}
    assert cost(MODEL, all_of_it) > 2 * cost(MODEL, step)
    assert spent(MODEL, [step], all_of_it) == spent(MODEL, [step, step], all_of_it)
    assert spent(MODEL, [step], all_of_it) == 2 * cost(MODEL, step)
    assert reached(agent(max_cost=Decimal("1")), steps=[step], seconds=0, usage=all_of_it) is None


def test_tokens_read_from_the_cache_cost_less():
    used = {"input_tokens": 1000, "output_tokens": 0}
    assert cost(MODEL, used | {"cached_tokens": 900}) < cost(MODEL, used) == Decimal("0.003")


def test_money_is_no_limit_where_nobody_knows_the_price():
    with pytest.raises(TypeError, match="nobody knows"):
        Agent(model="scripted:demo", max_cost=Decimal(1))
