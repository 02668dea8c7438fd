"""A person's list of conversations: newest first, a page at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core import signing
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Left
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from streams.conf import conf
from streams.conversation_list_query import (
    ARCHIVED,
    LISTED,
    ONE,
    ListedConversation,
    list_parameters,
    listed_by_person,
    name_of,
    of_each,
)
from streams.exceptions import BadCursor
from streams.models import Conversation, Message, Run
from streams.postgres.database import connection
from streams.user_model import key_text

from .resource import Request

CURSOR_SALT = "streams.conversations"


def beside(
    request: Request, here: Conversation | None = None, *, paged: bool = True
) -> dict[str, Any]:
    """Returns the list at the left of every page: its first page, and the entry of the conversation
    that is open, wherever that stands.
    """
    items, following = shelf(request.user, request.GET.get("before") if paged else None)
    if here and all(item.pk != here.pk for item in items):
        items += asked(ONE, request.user, 1, pk=here.pk)
    seen = [replace(it, unread=False) if here and it.pk == here.pk else it for it in items]
    return {
        "items": sorted(seen, key=standing, reverse=True),
        "following": following,
        "page_size": conf().page_size,
    }


def standing(line: ListedConversation) -> tuple[Any, ...]:
    """The higher, the further up: what wants a decision, what goes on, what is pinned, the rest."""
    groups = "archived", "day", "pinned", "now"
    group = line.group if line.group in groups else "day"
    return groups.index(group), group == "now" and line.waiting, line.updated_at, line.pk


def shelf(
    user: User, before: str | None = None, archived: bool = False
) -> tuple[list[ListedConversation], str | None]:
    """Returns one page of the list, and the cursor of the next if there is more."""
    size = conf().page_size
    behind = position(before) if before else ()
    lines = asked(ARCHIVED if archived else LISTED, user, size + 1, *behind)
    end = sum(line.ahead for line in lines) + size
    lines.sort(key=lambda line: not line.ahead)
    return lines[:end], following(lines[end - 1]) if len(lines) > end else None


def asked(
    which: str, user: User, most: int, moment: datetime | None = None, pk: int | None = None
) -> list[ListedConversation]:
    key = key_text(user.pk)
    with connection().cursor() as cursor:
        cursor.execute(of_each(which), list_parameters([key], most, moment, pk))
        return listed_by_person(cursor.fetchall()).get(key, [])


def as_json(line: ListedConversation) -> dict[str, Any]:
    return line.as_dict() | {"url": reverse("streams:conversation", args=[line.id])}


def opening(conversation: str = "pk") -> Subquery:
    begun = Q(attempt__gt=0) | Q(
        status__in=[Run.Status.QUEUED, Run.Status.STEERED]
    )  # or it may have been taken back
    prompts = Message.objects.filter(
        Exists(Run.objects.filter(begun, prompt=OuterRef("pk"))),
        conversation=OuterRef(conversation),
        role=Message.Role.USER,
    )
    return Subquery(prompts.order_by("seq").values(opening=Left(KT("blocks__0__text"), 200))[:1])


def named(row: Any) -> str:
    """Returns what people call a conversation that was read with its `opening`."""
    return name_of(row.title, row.opening)


def following(line: ListedConversation) -> str:
    return signing.dumps([line.updated_at.isoformat(), line.pk], salt=CURSOR_SALT)


def position(given: str) -> tuple[datetime, int]:
    try:
        moment, pk = signing.loads(given, salt=CURSOR_SALT)
    except signing.BadSignature as error:
        raise BadCursor(gettext("This list has no such page."), field="before") from error
    return parse_datetime(moment) or timezone.now(), pk
