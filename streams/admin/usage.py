from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from streams import budgets
from streams.models import Budget, Usage
from streams.user_model import sign_in_name

from .base import NOTHING, Admin, Inspected


@admin.register(Usage)
class UsageAdmin(Inspected):
    """What people's answers took; of the last minute a line for each answer."""

    list_display = ("month", "owner", "model", "answers", "input_tokens", "output_tokens")
    list_filter = ("month",)
    list_select_related = ("owner",)
    search_fields = (sign_in_name("owner"), "model")
    ordering = ("-month", "owner", "model")
    fields = (*list_display, "cached_tokens")


@admin.register(Budget)
class BudgetAdmin(Admin):
    """Budgets of single people; everybody else has what the settings say."""

    list_display = ("owner", "tokens", "dollars", "used")
    list_select_related = ("owner",)
    raw_id_fields = ("owner",)
    search_fields = (sign_in_name("owner"),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Another person's is another budget."""
        return ("owner",) if obj else ()

    @admin.display(description="used this month")
    def used(self, budget: Budget) -> str:
        limits = budgets.of(budget.owner_id)
        used = budgets.used_in_month(budget.owner_id, priced=bool(limits.dollars))
        dollars = f", ${used.dollars:,.2f}" if limits.dollars else ""
        return f"{used.tokens:,} tokens{dollars}" if used.tokens else NOTHING
