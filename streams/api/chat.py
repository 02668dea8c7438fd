"""Conversations, as a site's own code sees them: begin one, find it again, ask, follow."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import NAMESPACE_URL, UUID

from asgiref.sync import sync_to_async
from django.urls import reverse

from streams import models, policy, quotas
from streams.exceptions import NotFound
from streams.postgres import channels
from streams.postgres.database import atomic
from streams.views.validation import checked_values, short_enough

from .following import Follow
from .run import Run

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

OnBusy = Literal["queue", "interrupt", "reject"]


class Chat:
    """One conversation of one person. What it tells is as of when it was read: see `refresh`."""

    def __init__(self, conversation: models.Conversation) -> None:
        self._conversation = conversation

    def __repr__(self) -> str:
        return f"<Chat {self.id} {self.title!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chat) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def id(self) -> UUID:
        """Its own, by which `get` finds it again."""
        return self._conversation.uuid

    @property
    def url(self) -> str:
        """The path of its page."""
        return reverse("streams:conversation", args=[self.id])

    @property
    def title(self) -> str:
        """Empty until it has one."""
        return self._conversation.title

    @property
    def instructions(self) -> str:
        """The model's system prompt."""
        return self._conversation.system

    @property
    def model(self) -> str:
        """The `provider:model` that answers."""
        return self._conversation.model

    @property
    def head(self) -> int:
        """The number of its last event, as a cursor for `follow`."""
        return self._conversation.last_seq

    @property
    def updated_at(self) -> datetime:
        """When it was last asked."""
        return self._conversation.updated_at

    def refresh(self) -> Chat:
        """Reads it again; returns itself. Raises NotFound when it has been deleted."""
        known = models.Conversation.objects.filter(deleted_at__isnull=True)
        found = known.filter(pk=self._conversation.pk).first()
        if found is None:
            raise NotFound("This conversation has been deleted.")
        self._conversation = found
        return self

    async def arefresh(self) -> Chat:
        """As `refresh`."""
        return await sync_to_async(self.refresh)()

    def ask(self, content: str, *, key: str | None = None) -> Run:
        """A prompt, and the run that answers it as soon as a worker is free.

        In a transaction it takes part in it: workers and pages learn of the prompt when that
        commits, and never if it is rolled back. The conversation's row is locked from here to the
        end of the transaction, and an answer that is being written there waits as long: ask last,
        or in `transaction.on_commit` where there is still much to do.

        With a `key` (64 characters at most) that came before in this conversation nothing is
        added, and the run of that time is returned.

        Raises Invalid and TooLarge for the content, KeyReused when the key came with another,
        Busy when the conversation is one that rejects prompts during an answer, TooManyRuns,
        ConversationFull, and NotFound when the conversation has been deleted.
        """
        short_enough("client_key", key or "")
        _, run, _ = self._conversation.post(content, None, key)
        return Run(run).refresh()

    async def aask(self, content: str, *, key: str | None = None) -> Run:
        """As `ask`."""
        return await sync_to_async(self.ask)(content, key=key)

    def run(self, id: UUID | str) -> Run:
        """One of its answers. Raises NotFound."""
        known = self._conversation.runs.select_related("conversation", "prompt", "answer")
        found = known.filter(uuid=uuid_of(id)).first()
        if found is None:
            raise NotFound("This answer isn't here.")
        return Run(found).refresh()

    async def arun(self, id: UUID | str) -> Run:
        """As `run`."""
        return await sync_to_async(self.run)(id)

    def runs(self) -> list[Run]:
        """All of its answers, in the order they were asked for."""
        known = self._conversation.runs.select_related("conversation", "prompt", "answer")
        return [Run(run) for run in known.order_by("pk")]

    async def aruns(self) -> list[Run]:
        """As `runs`."""
        return await sync_to_async(self.runs)()

    def follow(self, *, after: int = 0) -> Follow:
        """Its events past the cursor `after`, and those to come, until the caller stops; for
        `for` and `async for`. 0 is the beginning, `head` what comes from now on."""
        return Follow(self._conversation.pk, after)

    def delete(self) -> None:
        """Stops its answers and hides it at once; workers erase it a little later."""
        self._conversation.delete_softly(None)

    async def adelete(self) -> None:
        """As `delete`."""
        await sync_to_async(self.delete)()


@atomic
def start(
    user: AbstractBaseUser,
    *,
    instructions: str = "",
    title: str = "",
    model: str = "",
    on_busy: OnBusy = "queue",
    key: str | None = None,
) -> Chat:
    """Begins a conversation that belongs to `user`, in the caller's transaction if there is one.

    `instructions` are the model's system prompt; `model` is a `provider:model` name, the site's
    default unless given; a title is made up after the first answer unless given. `on_busy` says
    what a second prompt does while an answer is being written. With a `key` (64 characters at
    most) that came before for this user, the conversation of that time is returned as it is.

    Raises Invalid, TooLarge, UnknownModelName and TooManyEmpty.
    """
    given = {"title": title, "system": instructions, "on_busy": on_busy}
    values: dict[str, Any] = checked_values(given | ({"model": model} if model else {}))
    values.setdefault("model", policy.default_model(user))
    short_enough("client_key", key or "")
    if not key:
        quotas.check_empty(user.pk)
    owner: Any = user
    # Keys of the site's own code: a browser's `client_key` must not come before them.
    begun = models.Conversation.begin(owner, key, NAMESPACE_URL, **values)
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
) -> Chat:
    """As `start`."""
    return await sync_to_async(start)(
        user, instructions=instructions, title=title, model=model, on_busy=on_busy, key=key
    )


def get(user: AbstractBaseUser, id: UUID | str) -> Chat:
    """A conversation of this user. Raises NotFound, for someone else's too."""
    found = models.Conversation.objects.owned_by(user).filter(uuid=uuid_of(id)).first()
    if found is None:
        raise NotFound("This conversation isn't here, or isn't theirs.")
    return Chat(found)


async def aget(user: AbstractBaseUser, id: UUID | str) -> Chat:
    """As `get`."""
    return await sync_to_async(get)(user, id)


def conversations(user: AbstractBaseUser) -> list[Chat]:
    """All conversations of this user that are not archived, the newest first."""
    owned = models.Conversation.objects.owned_by(user).filter(archived_at__isnull=True)
    return [Chat(each) for each in owned.newest()]


async def aconversations(user: AbstractBaseUser) -> list[Chat]:
    """As `conversations`."""
    return await sync_to_async(conversations)(user)


def uuid_of(id: UUID | str) -> UUID:
    """Raises NotFound for what is no UUID, and so nobody's."""
    try:
        return id if isinstance(id, UUID) else UUID(id)
    except ValueError:
        raise NotFound(f"{id!r} is no id.") from None
