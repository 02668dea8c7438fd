from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy


class DiscardedFile(models.Model):
    """A stored file that no attachment has, to be deleted from `due_at` on.

    It stands here before a file is written, for the case that its attachment never follows; and a
    trigger puts it here, in the same transaction, when an attachment's row goes, by whatever way.
    So no file is left behind by a crash between the two.
    """

    place = models.CharField(max_length=200, primary_key=True)
    due_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = gettext_lazy("discarded file")
        verbose_name_plural = gettext_lazy("discarded files")

    def __str__(self) -> str:
        return self.place
