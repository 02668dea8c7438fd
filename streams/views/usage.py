"""`/usage`: what a person's answers took, by month and model, and what they may take."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.http import HttpResponse, JsonResponse

from streams import budgets
from streams.providers.model_names import words_of

from .conversation_list import beside
from .negotiation import wants_json
from .pages import render
from .resource import Request, Resource
from .schemas.devices import Budget

MOST = 500  # lines: models times months


class Usage(Resource):
    def get(self, request: Request) -> HttpResponse:
        budget = budgets.of(request.user.pk)
        found = budgets.lines(request.user.pk, requests=budgets.REQUESTS)
        lines = [priced(**line) for line in whole_months(list(found[: MOST + 1]))]
        used = budgets.used_in_month(request.user.pk, priced=bool(budget.dollars))
        if wants_json(request):
            told = [line | as_json(line) for line in lines]
            return JsonResponse({"usage": told, "budget": shown(budget, used)})
        named = [line | {"words": words_of(line["model"])} for line in lines]
        about = {"budget": budget, "used": used, "anew": budgets.next_month()}
        about |= {"months": by_month(named)}
        about |= {"estimated": any(line["estimated_answers"] for line in lines)}
        about |= {"known": any(line["dollars"] is not None for line in lines)}
        about |= {"elsewhere": "usage", **beside(request, paged=False)}
        return render(request, "streams/usage.html", about)


def whole_months(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns at most `MOST` lines, of months that are complete, since what a part of one cost is
    not its sum. Of a month alone that has more there is nothing that could be left out.
    """
    if len(lines) <= MOST:
        return lines
    cut = lines[MOST]["month"]
    return [line for line in lines if line["month"] != cut] or lines[:MOST]


def priced(*, requests: int, **line: Any) -> dict[str, Any]:
    return line | {"dollars": budgets.price(line["model"], line | {"requests": requests})}


def by_month(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the lines of each month, with what those cost together whose price is known."""
    months = []
    for month, group in groupby(lines, key=lambda line: line["month"]):
        of_it = list(group)
        priced = [line for line in of_it if line["dollars"] is not None]
        whole = len(of_it) < MOST  # of one that may be cut there is no sum
        dollars = sum(line["dollars"] for line in priced) if whole else 0
        about = {"month": month, "lines": of_it, "dollars": dollars}
        months.append(about | {"estimated": any(line["estimated_answers"] for line in priced)})
    return months


def as_json(line: dict[str, Any]) -> dict[str, str | None]:
    dollars = line["dollars"]
    return {
        "month": f"{line['month']:%Y-%m}",
        "dollars": None if dollars is None else f"{dollars:.4f}",
    }


def shown(budget: budgets.Budget, used: budgets.Used) -> Budget | None:
    """Returns this month's budget as JSON, of what has one."""
    if not budget:
        return None
    told: Budget = {"until": f"{budgets.next_month():%Y-%m-%d}"}
    if budget.tokens:
        told |= {"tokens": budget.tokens, "used_tokens": used.tokens}
    if budget.dollars:
        told |= {"dollars": f"{budget.dollars:.2f}", "used_dollars": f"{used.dollars:.2f}"}
    return told
