from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from streams import budgets


class Budget(models.Model):
    """What one person may use in a month, in place of the settings' budget. An empty field is as
    the settings have it, and 0 is no limit.
    """

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="streams_budget",
        primary_key=True,
        verbose_name=gettext_lazy("owner"),
    )
    tokens = models.PositiveBigIntegerField(gettext_lazy("tokens"), null=True, blank=True)
    dollars = models.DecimalField(
        gettext_lazy("dollars"), max_digits=12, decimal_places=2, null=True, blank=True
    )

    class Meta:
        verbose_name = gettext_lazy("budget")
        verbose_name_plural = gettext_lazy("budgets")

    def __str__(self) -> str:
        return f"budget of {self.owner_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        budgets.forget_none()
