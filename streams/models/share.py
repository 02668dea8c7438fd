from __future__ import annotations

import secrets
import uuid
from typing import Any

from django.db import models
from django.utils.translation import gettext, gettext_lazy

from streams.conf import conf
from streams.exceptions import NotAllowed, NotFound, TooManyShares
from streams.postgres.database import atomic
from streams.text_cleaning import clean
from streams.user_model import is_active

from .conversation import Conversation


def new_token() -> str:
    return secrets.token_urlsafe(16)


class ShareQuerySet(models.QuerySet["Share"]):
    def counted(self) -> ShareQuerySet:
        """Leaves the copies where they are, which may be long, and tells how many messages each
        has."""
        length = models.Func("messages", function="jsonb_array_length")
        return self.defer("messages").annotate(
            length=models.ExpressionWrapper(length, models.IntegerField())
        )


class Share(models.Model):
    """A copy of a conversation as it was at one moment, which anybody with its link can read until
    it is taken back.

    `messages` holds what is shown, as `[{"role", "text", "at"}, …]`, for answers with `"model"` and
    for prompts with the number of their `"files"`: a
    copy, so that nothing said later can be read through the link, whatever becomes of branches.
    The token is stored as it is, because its owner may look at the link again; it opens nothing
    that does not stand in the same row.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="shares")
    token = models.CharField(max_length=22, unique=True, default=new_token, editable=False)
    title = models.CharField(max_length=120)
    messages = models.JSONField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ShareQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("share")
        verbose_name_plural = gettext_lazy("shares")
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return self.title

    @classmethod
    @atomic
    def make(cls, conversation: Conversation, title: str, messages: list[dict[str, Any]]) -> Share:
        """Stores a copy under a new link; the same copy again keeps the link it has.

        Raises TooManyShares, and NotFound if the conversation was deleted a moment ago.
        """
        here = Conversation.lock(conversation.pk)
        known = here.shares.filter(title=title, messages=messages).first()
        if known:
            return known
        most = conf().shares_per_conversation
        if most and here.shares.count() >= most:
            told = gettext("This conversation has %(most)d links already. Take one back first.")
            raise TooManyShares(told % {"most": most})
        return cls.objects.create(conversation=here, title=title, messages=messages)

    @classmethod
    def by_token(cls, token: str) -> Share:
        """Returns what a link shows. Raises NotFound once it was taken back, while its conversation
        is deleted, and where its owner may not sign in any more or nobody may share.
        """
        shares = cls.objects.counted().select_related("conversation__owner")
        known = shares.filter(token=clean(token)).first()
        open = known and conf().share_links and known.conversation.deleted_at is None
        if not (known and open and is_active(known.conversation.owner)):
            raise NotFound(gettext("This link isn't here any more."))
        return known

    def part(self, first: int, most: int) -> list[dict[str, Any]]:
        """Reads so many messages of the copy, from number `first`."""
        path = f"$[{int(first)} to {int(first + most - 1)}]"
        read = models.Func(
            "messages",
            models.Value(path),
            function="jsonb_path_query_array",
            template="%(function)s(%(expressions)s::jsonpath)",
        )
        found: Any = Share.objects.filter(pk=self.pk)
        part = models.ExpressionWrapper(read, models.JSONField())
        return found.annotate(part=part).values_list("part", flat=True).first() or []


def check_sharing() -> None:
    """Raises NotAllowed where the site has turned links off."""
    if not conf().share_links:
        raise NotAllowed(gettext("Links to conversations are turned off here."))
