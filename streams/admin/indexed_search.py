"""What the person on call searches for, looked up by indexes: whole or begun uuids, and people by
how their sign-in name begins. Parts of names and titles are looked for among the newest rows.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from streams.models import Attachment, Conversation, Device, Run, Usage
from streams.providers.base import Code

LOOKED_AT = 20_000  # rows, the newest, for what no index knows
FAILURES = 10_000
FOUND = 500
HELP = _("A uuid or its beginning, a part of the owner's name, or words of a title")


def begun_uuid(text: str, field: str = "uuid") -> Q:
    """Returns a condition for uuids that begin so; for none if no uuid does."""
    digits = text.replace("-", "").lower()
    if not re.fullmatch(r"[0-9a-f]{4,32}", digits):
        return Q(pk__in=[])
    first, last = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    return Q(**{f"{field}__range": (first, last)})


def people(text: str) -> list[Any]:
    """Returns the keys of people whose sign-in name begins so or, of the newest, has it in it."""
    model = get_user_model()
    everybody, name = model._default_manager.order_by("-pk"), model.USERNAME_FIELD
    newest = everybody.filter(pk__in=everybody.values("pk")[:LOOKED_AT])
    begins = Q(**{f"{name}__startswith": text}) | Q(**{f"{name}__startswith": text.lower()})
    kinds = everybody.filter(begins), newest.filter(**{f"{name}__icontains": text})
    return list({key for kind in kinds for key in kind.values_list("pk", flat=True)[:FOUND]})


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


def attachments(text: str) -> list[int]:
    """Returns the keys of files of this name or hash, the newest `FOUND`."""
    newest = Attachment.objects.order_by("-pk")
    called = Q(name__icontains=text) | Q(sha256__startswith=text.lower())
    found = newest.filter(called, pk__gt=before_newest(newest))
    return list(found.values_list("pk", flat=True)[:FOUND])


def usage_of_model(text: str) -> list[int]:
    """Returns the keys of rows of models of this name, the newest `FOUND`."""
    newest = Usage.objects.order_by("-pk")
    found = newest.filter(pk__gt=before_newest(newest), model__icontains=text)
    return list(found.values_list("pk", flat=True)[:FOUND])


def failed_with(text: str) -> Q:
    """Returns a condition for runs that failed with an error code of ours that begins so."""
    codes = [code.value for code in Code if code.value.startswith(text.lower())]
    return Q(status=Run.Status.FAILED, error_code__in=[*codes, text])


def failed_runs(text: str) -> list[int]:
    """Returns the keys of runs that failed as the vendor says so, the newest `FOUND`."""
    newest = Run.objects.filter(status=Run.Status.FAILED).order_by("-pk")
    said = newest.filter(pk__gt=before_newest(newest, FAILURES), vendor_error__icontains=text)
    return list(said.values_list("pk", flat=True)[:FOUND])


def before_newest(rows: QuerySet[Any], most: int | None = None) -> int:
    """Returns the key before those of the newest `most` rows, or else `LOOKED_AT`."""
    most = LOOKED_AT if most is None else most
    return rows.values_list("pk", flat=True)[most : most + 1].first() or 0
