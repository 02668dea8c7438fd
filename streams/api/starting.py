"""Starts conversations for a site's own code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import NAMESPACE_URL

from asgiref.sync import sync_to_async

from streams import models, policy, quotas
from streams.models import branching
from streams.postgres import channels
from streams.postgres.database import atomic
from streams.views.conversation_fields import checked_values, short_enough

from .chat import Chat

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

OnBusy = Literal["queue", "interrupt", "reject"]
Role = Literal["user", "assistant"]


@atomic
def start(
    user: AbstractBaseUser,
    *,
    instructions: str = "",
    title: str = "",
    model: str = "",
    on_busy: OnBusy = "queue",
    key: str | None = None,
    messages: Sequence[tuple[Role, str]] = (),
) -> Chat:
    """Starts a conversation of `user`, in the caller's transaction if there is one.

    `instructions` are the model's system prompt. `model` is a `provider:model` name, by default the
    site's. Without a `title` one is made after the first answer. `on_busy` decides about a prompt
    that comes while an answer is being written: "queue", "interrupt" or "reject". A `key` (at most
    64 characters) that this user has used before returns the conversation of that time, unchanged.
    `messages` were said elsewhere before: pairs of "user" or "assistant" and a text.

    Raises Invalid, TooLarge, UnknownModelName and TooManyEmpty.
    """
    given = {"title": title, "system": instructions, "on_busy": on_busy}
    values: dict[str, Any] = checked_values(given | ({"model": model} if model else {}))
    values.setdefault("model", policy.default_model(user))
    short_enough("client_key", key or "")
    if key:  # another transaction may wait for what this one has begun by the same key
        quotas.lock_owner_ahead(user.pk)
    elif not messages:
        quotas.check_empty(user.pk)
    owner: Any = user
    # Keys of the site's own code: a browser's `client_key` must not come before them.
    begun = models.Conversation.begin(owner, key, NAMESPACE_URL, **values)
    if not begun.last_seq:
        branching.take_in(begun, [branching.Imported(*each) for each in messages])
    channels.list_changed(user.pk)
    return Chat(begun)


async def astart(
    user: AbstractBaseUser,
    *,
    instructions: str = "",
    title: str = "",
    model: str = "",
    on_busy: OnBusy = "queue",
    key: str | None = None,
    messages: Sequence[tuple[Role, str]] = (),
) -> Chat:
    """Asynchronous twin of `start`."""
    return await sync_to_async(start)(
        user,
        instructions=instructions,
        title=title,
        model=model,
        on_busy=on_busy,
        key=key,
        messages=messages,
    )
