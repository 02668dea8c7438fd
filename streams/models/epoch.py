from __future__ import annotations

from django.db import models


class Epoch(models.Model):
    """The one row that tells the database's lives apart; see `streams.postgres.epoch`.

    `mark` is empty until `manage.py restored` or a web process gives another; `events` is the
    table of events as it was then, by its OID.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    mark = models.CharField(max_length=32, default="")
    events = models.BigIntegerField()

    def __str__(self) -> str:
        return self.mark or "the first"
