from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy


class Epoch(models.Model):
    """The single row that distinguishes the database's lives; see `streams.postgres.epoch_renewal`.

    `mark` is empty until `manage.py restored` or a web process sets another; `events` is the OID
    the events table had then.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    mark = models.CharField(max_length=32, default="")
    events = models.BigIntegerField()

    class Meta:
        verbose_name = gettext_lazy("epoch")
        verbose_name_plural = gettext_lazy("epochs")

    def __str__(self) -> str:
        return self.mark or "the first"
