"""The indexes of the table of runs, and what each is for."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTransform

INDEXES = [
    models.Index(fields=["conversation", "id"], name="runs_of_conversation"),
    models.Index(fields=["rank", "id"], condition=Q(status="queued"), name="runs_queued"),
    # So that what is under way is found without all that waits for its turn.
    models.Index(
        fields=["conversation"],
        condition=Q(status="queued", attempt__gt=0),
        name="runs_handed_back",
    ),
    models.Index(fields=["worker"], condition=Q(status="running"), name="runs_running"),
    models.Index(
        fields=["ended_at"],
        condition=Q(folded_at__isnull=True, ended_at__isnull=False),
        name="runs_unfolded",
    ),
    models.Index(
        fields=["ended_at"],
        condition=Q(upstream__gt="", status__in=["cancelled", "failed"]),
        name="runs_left_upstream",
    ),
    # For the admin's filters: most runs are completed, and found from the newest on.
    models.Index(fields=["model", "id"], name="runs_of_model"),
    models.Index(
        fields=["status", "id"],
        condition=Q(status__in=["failed", "cancelled", "steered"]),
        name="runs_without_answer",
    ),
    models.Index(
        fields=["error_code", "id"],
        condition=Q(status="failed"),
        name="runs_failed",
    ),
    BrinIndex(fields=["queued_at"], name="runs_by_day"),
    models.Index(fields=["into"], condition=Q(into__isnull=False), name="runs_steered"),
    models.Index(fields=["repeats"], condition=Q(repeats__isnull=False), name="runs_repeating"),
    GinIndex(
        KeyTransform("continued", "asked"),
        fastupdate=False,  # it is looked up far more often than it grows
        condition=Q(asked__has_key="continued"),
        name="runs_continued",
    ),
]
