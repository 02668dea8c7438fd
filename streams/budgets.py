"""What a person may use in a month, and has used.

Answers count once they have ended, in the month in which they did, by UTC. One that is being
written goes on to its end; an agent's is looked at before each further request to its model, when
what is under way counts too.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, date
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from .agents import limits, registry
from .conf import conf
from .exceptions import BudgetSpent
from .providers.base import UnknownModel

COUNTED = ("answers", "input_tokens", "output_tokens", "cached_tokens", "estimated_answers")
REQUESTS = Sum(Coalesce("requests", "answers"))  # by which prices go
MOST = 10**15  # of one count
NONE_FOR = 10.0  # seconds for which a worker does not look again whether anybody has a budget

_none_until = 0.0  # by time.monotonic


class Budget(NamedTuple):
    """Tokens, read and written, and US dollars for one month; 0 is no limit."""

    tokens: int
    dollars: Decimal

    def __bool__(self) -> bool:
        return bool(self.tokens or self.dollars)


class Used(NamedTuple):
    """Tokens, read and written, and US dollars of the models whose price is known."""

    tokens: int
    dollars: Decimal


def of(owner_id: Any) -> Budget:
    """Returns a person's own budget, or else what the settings say."""
    found = apps.get_model("streams", "Budget").objects.filter(pk=owner_id)
    tokens, dollars = found.values_list("tokens", "dollars").first() or (None, None)
    usual = conf()
    return Budget(
        usual.budget_tokens if tokens is None else tokens,
        Decimal(str(usual.budget_dollars)) if dollars is None else dollars,
    )


def any_budgets() -> bool:
    """Tells whether anybody may have a budget; not for a while after `refresh_any` found none."""
    usual = conf()
    limited = usual.budget_tokens or usual.budget_dollars
    return bool(limited) or time.monotonic() >= _none_until


def refresh_any() -> None:
    """Looks in the table whether anybody has a budget, for `any_budgets`."""
    global _none_until
    if not apps.get_model("streams", "Budget").objects.exists():
        _none_until = time.monotonic() + NONE_FOR


def forget_none() -> None:
    """Forgets that nobody had a budget, once somebody was given one."""
    global _none_until
    _none_until = 0.0


def check(owner_id: Any, *, under_way: bool = False) -> None:
    """Checks that one more answer may begin, or one that is `under_way` ask for more. Raises
    BudgetSpent.
    """
    budget = of(owner_id)
    if not budget:
        return
    priced = bool(budget.dollars)
    used = used_in_month(owner_id, priced=priced)
    if under_way:
        more = used_under_way(owner_id, priced=priced)
        used = Used(used.tokens + more.tokens, used.dollars + more.dollars)
    if budget.tokens and used.tokens >= budget.tokens:
        told = gettext(
            "You have used this month's budget of %(most)s tokens. It begins anew on %(day)s."
        )
        raise BudgetSpent(told % {"most": f"{budget.tokens:,}", "day": anew()})
    if budget.dollars and used.dollars >= budget.dollars:
        told = gettext("You have used this month's budget of $%(most)s. It begins anew on %(day)s.")
        raise BudgetSpent(told % {"most": f"{budget.dollars:,.2f}", "day": anew()})


def anew() -> str:
    return str(date_format(next_month(), "MONTH_DAY_FORMAT"))


def this_month() -> date:
    return timezone.now().astimezone(UTC).date().replace(day=1)


def next_month() -> date:
    now = this_month()
    return date(now.year + now.month // 12, now.month % 12 + 1, 1)


def used_in_month(owner_id: Any, *, priced: bool) -> Used:
    """Returns what this month took; dollars are looked up only if they are `priced`."""
    return total(lines(owner_id, requests=REQUESTS).filter(month=this_month()), priced)


def used_under_way(owner_id: Any, *, priced: bool) -> Used:
    """Returns what the steps took that have ended of answers that have not."""
    runs = apps.get_model("streams", "Run").objects.under_way().filter(steps__gt=0)
    mine = runs.filter(conversation__owner_id=owner_id).values_list("model", "steps", "usage")
    return total(
        [
            {"model": model, "requests": steps}
            | {name: counted(usage.get(name)) for name in limits.COUNTED}
            for model, steps, usage in mine
        ],
        priced,
    )


def counted(value: object) -> int:
    """Returns a count as `streams.log` adds it: no service's nonsense overflows a column."""
    return int(min(max(0, value), MOST)) if isinstance(value, int | float) else 0


def total(used: Iterable[Mapping[str, Any]], priced: bool) -> Used:
    """Sums up what each model took, in `used`, and what that costs if it is to be `priced`."""
    tokens, dollars = 0, Decimal()
    for line in used:
        tokens += line["input_tokens"] + line["output_tokens"]
        dollars += (price(line["model"], line) if priced else None) or 0
    return Used(tokens, dollars)


def lines(owner_id: Any, **more: Sum) -> Any:
    """Returns a query for a line for each month and model, the newest first; `more` is summed up
    too.
    """
    return (
        apps.get_model("streams", "Usage")
        .objects.filter(owner_id=owner_id)
        .order_by()
        .values("month", "model")
        .annotate(**more, **{name: Sum(name) for name in COUNTED})
        .order_by("-month", "model")
    )


def price(model: str, usage: Mapping[str, int]) -> Decimal | None:
    """Returns what requests to a model, or to an agent's, cost in US dollars, if that is known. It
    is one where `usage` has no count of them.

    Each is taken for the average: long requests have another price, which the sum of many short
    ones must not be taken for.
    """
    requests = usage.get("requests") or 1
    average = {name: round(usage.get(name, 0) / requests) for name in limits.COUNTED}
    try:
        if registry.is_agent(model):
            model = registry.find(model).model
        one = cost_of(timezone.now().date(), model, *average.values())
    except (LookupError, UnknownModel, ImproperlyConfigured, ImportError):
        return None
    return None if one is None else one * requests


@lru_cache(maxsize=4096)
def cost_of(today: date, model: str, *counts: int) -> Decimal | None:
    """Returns what one request costs today, None for a model whose price nobody knows. It is
    remembered: looking it up takes a millisecond, and a person's usage has hundreds of lines.
    """
    try:
        return limits.cost(model, dict(zip(limits.COUNTED, counts, strict=True)))
    except LookupError:
        return None
