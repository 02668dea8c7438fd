from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from streams import budgets
from streams.models import Budget, Usage
from streams.user_model import sign_in_name

from .base import NOTHING, Admin, Inspected
from .indexed_search import people, usage_of_model


@admin.register(Usage)
class UsageAdmin(Inspected):
    """Usage by person, month and model; answers of the last minute have a line each."""

    list_display = (
        "month", "owner", "model", "answers", "input_tokens", "output_tokens", "dollars",
        "estimated",
    )  # fmt: skip
    list_filter = ("month",)
    list_select_related = ("owner",)
    search_fields = ("model",)  # and more: see get_search_results
    search_help_text = _("A part of the owner's name, or of the model's among the newest rows")
    ordering = ("-id",)  # nearly that of the months, and its index is there
    fields = (*list_display, "cached_tokens")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not (text := search_term.strip()):
            return queryset, False
        meant = Q(owner__in=people(text)) | Q(pk__in=usage_of_model(text))
        return queryset.filter(meant), False

    @admin.display(description=_("dollars"))
    def dollars(self, usage: Usage) -> str:
        """Shows the price that the package genai-prices knows."""
        counts = {name: getattr(usage, name) for name in budgets.COUNTED}
        price = budgets.price(usage.model, counts | {"requests": usage.requests or usage.answers})
        return NOTHING if price is None else f"${price:,.4f}"

    @admin.display(description=_("of these estimated"))
    def estimated(self, usage: Usage) -> int | str:
        """The answers whose tokens no service has said."""
        return usage.estimated_answers or NOTHING


@admin.register(Budget)
class BudgetAdmin(Admin):
    """Budgets of single people; everybody else has what the settings say."""

    list_display = ("owner", "tokens", "dollars", "used")
    list_select_related = ("owner",)
    raw_id_fields = ("owner",)
    search_fields = (sign_in_name("owner"),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The owner of a budget that exists cannot be changed."""
        return ("owner",) if obj else ()

    @admin.display(description=_("used this month"))
    def used(self, budget: Budget) -> str:
        limits = budgets.of(budget.owner_id)
        used = budgets.used_in_month(budget.owner_id, priced=bool(limits.dollars))
        dollars = f", ${used.dollars:,.2f}" if limits.dollars else ""
        tokens = _("%(count)s tokens") % {"count": f"{used.tokens:,}"}
        return f"{tokens}{dollars}" if used.tokens else NOTHING
