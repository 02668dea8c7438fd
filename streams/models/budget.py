from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from streams import budgets


class Budget(models.Model):
    """What one person may use in a month, where that is not what the settings say. Nothing given is
    as the settings have it, and 0 is no limit.
    """

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="streams_budget",
        primary_key=True,
    )
    tokens = models.PositiveBigIntegerField(null=True, blank=True)
    dollars = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)

    def __str__(self) -> str:
        return f"budget of {self.owner_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        budgets.look_again()
