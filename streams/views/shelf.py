"""A person's conversations as a list: newest first, a page at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core import signing
from django.db import connection
from django.db.models import OuterRef, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Left
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from streams.conf import conf
from streams.exceptions import BadCursor
from streams.models import Message
from streams.shelf import LINES, Line, lines_of, name_of, question

CURSOR_SALT = "streams.conversations"


def shelf(user: User, before: str | None = None) -> tuple[list[Line], str | None]:
    """One page of the list, and the cursor of the next when there is more."""
    size = conf().page_size
    asked = question([user.pk], size + 1, *(position(before) if before else ()))
    with connection.cursor() as cursor:
        cursor.execute(LINES, asked)
        lines = lines_of(cursor.fetchall()).get(user.pk, [])
    return lines[:size], following(lines[size - 1]) if len(lines) > size else None


def as_json(line: Line) -> dict[str, Any]:
    return line.as_dict() | {"url": reverse("streams:conversation", args=[line.id])}


def opening(conversation: str = "pk") -> Subquery:
    prompts = Message.objects.filter(conversation=OuterRef(conversation), role=Message.Role.USER)
    return Subquery(prompts.order_by("seq").values(opening=Left(KT("blocks__0__text"), 200))[:1])


def named(row: Any) -> str:
    """What people call a conversation that was read with its `opening`."""
    return name_of(row.title, row.opening)


def following(line: Line) -> str:
    return signing.dumps([line.updated_at.isoformat(), line.pk], salt=CURSOR_SALT)


def position(given: str) -> tuple[datetime, int]:
    try:
        moment, pk = signing.loads(given, salt=CURSOR_SALT)
    except signing.BadSignature as error:
        raise BadCursor("This list has no such page.", field="before") from error
    return parse_datetime(moment) or timezone.now(), pk
