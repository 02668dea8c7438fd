from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy


class GoneWebhook(models.Model):
    """A webhook of the settings that has answered 410: no worker tells it anything, until it has
    another address or the row is deleted.

    `mark` stands for the address, which may hold a secret.
    """

    name = models.CharField(gettext_lazy("name"), max_length=200, primary_key=True)
    mark = models.CharField(max_length=64, editable=False)
    gone_at = models.DateTimeField(gettext_lazy("gone at"), db_default=Now())

    class Meta:
        verbose_name = gettext_lazy("gone webhook")
        verbose_name_plural = gettext_lazy("gone webhooks")

    def __str__(self) -> str:
        return self.name
