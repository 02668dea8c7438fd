from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils.translation import gettext_lazy

from .message import Message


class SearchEntry(models.Model):
    """The words of one message, as `streams.search_lexemes` makes them; a worker writes it.

    It goes with its message, by whatever statement that goes: the migration says so.
    """

    message = models.OneToOneField(
        Message,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="+",
        db_constraint=False,
    )
    words = SearchVectorField()

    class Meta:
        verbose_name = gettext_lazy("search entry")
        verbose_name_plural = gettext_lazy("search entries")
        indexes = [GinIndex(fields=["words"], name="search_words")]

    def __str__(self) -> str:
        return f"words of message {self.message_id}"
