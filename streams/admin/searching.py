"""What the person on call searches for, looked up by indexes: whole or begun uuids, people by how
their sign-in name begins, and words in the titles of the newest conversations.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from streams.models import Conversation, Device, Run

LOOKED_AT = 20_000  # rows, the newest, for what no index knows
FAILURES = 2_000
FOUND = 500
HELP = "A uuid, or how it or the owner's name begins, or words of a title"


def begun_uuid(text: str, field: str = "uuid") -> Q:
    """Returns a condition for uuids that begin so; for none if no uuid does."""
    digits = text.replace("-", "").lower()
    if not re.fullmatch(r"[0-9a-f]{4,32}", digits):
        return Q(pk__in=[])
    first, last = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    return Q(**{f"{field}__range": (first, last)})


def people(text: str) -> list[Any]:
    """Returns the keys of people whose sign-in name begins so."""
    model = get_user_model()
    name = f"{model.USERNAME_FIELD}__startswith"
    begins = Q(**{name: text}) | Q(**{name: text.lower()})
    return list(model._default_manager.filter(begins).values_list("pk", flat=True)[:FOUND])


def conversations(text: str) -> list[int]:
    """Returns the keys of those that are meant, the newest `FOUND` of each kind."""
    newest = Conversation.objects.order_by("-pk")
    kinds = (
        newest.filter(begun_uuid(text)),
        newest.filter(owner__in=people(text)),
        newest.filter(pk__gt=before_newest(newest), title__icontains=text),
    )
    return [key for kind in kinds for key in kind.values_list("pk", flat=True)[:FOUND]]


def devices(text: str) -> list[int]:
    """Returns the keys of devices of this name, the newest `FOUND`."""
    newest = Device.objects.order_by("-pk")
    called = newest.filter(pk__gt=before_newest(newest), name__icontains=text)
    return list(called.values_list("pk", flat=True)[:FOUND])


def failed_runs(text: str) -> list[int]:
    """Returns the keys of runs that failed as the vendor says so, the newest `FOUND`."""
    newest = Run.objects.filter(status=Run.Status.FAILED).order_by("-pk")
    said = newest.filter(pk__gt=before_newest(newest, FAILURES), vendor_error__icontains=text)
    return list(said.values_list("pk", flat=True)[:FOUND])


def before_newest(rows: QuerySet[Any], most: int = LOOKED_AT) -> int:
    """Returns the key before those of the newest `most` rows."""
    return rows.values_list("pk", flat=True)[most : most + 1].first() or 0
