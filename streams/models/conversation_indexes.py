"""The indexes of the table of conversations: a person's lists, and what is to be purged."""

from __future__ import annotations

from django.db import models

IN_LIST = ["owner", "-updated_at", "-id"]
LISTS = {
    "conversations_pinned": models.Q(pinned_at__isnull=False),
    "conversations_waiting": models.Q(undecided__gt=0),
    "conversations_archived": models.Q(archived_at__isnull=False),
}
INDEXES = [
    models.Index(fields=IN_LIST, name="conversations_of_owner"),
    *(models.Index(fields=IN_LIST, condition=LISTS[name], name=name) for name in LISTS),
    models.Index(
        fields=["deleted_at"],
        condition=models.Q(deleted_at__isnull=False),
        name="conversations_deleted",
    ),
]
