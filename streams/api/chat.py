"""Conversations as a site's own code sees them: find, ask, follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.urls import reverse

from streams import models, quotas
from streams.exceptions import NotFound
from streams.views.conversation_fields import short_enough

from . import prompt_files
from .following import Follow
from .prompt_files import Attachable
from .run import Run

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class Chat:
    """One conversation of one person. Attributes are as of the last reading; `refresh` reads
    anew.
    """

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
        """The path of the conversation's page."""
        return reverse("streams:conversation", args=[self.id])

    @property
    def title(self) -> str:
        """The title, or "" before there is one."""
        return self._conversation.title

    @property
    def instructions(self) -> str:
        """The model's system prompt."""
        return self._conversation.system

    @property
    def model(self) -> str:
        """The `provider:model` name that answers."""
        return self._conversation.model

    @property
    def head(self) -> int:
        """The number of the last event, which is a cursor for `follow`."""
        return self._conversation.last_seq

    @property
    def updated_at(self) -> datetime:
        """The time of the last prompt."""
        return self._conversation.updated_at

    def refresh(self) -> Chat:
        """Reads the conversation anew and returns itself. Raises NotFound if it was deleted."""
        known = models.Conversation.objects.filter(deleted_at__isnull=True)
        found = known.filter(pk=self._conversation.pk).first()
        if found is None:
            raise NotFound("This conversation has been deleted.")
        self._conversation = found
        return self

    async def arefresh(self) -> Chat:
        """Asynchronous twin of `refresh`."""
        return await sync_to_async(self.refresh)()

    def ask(
        self,
        content: str,
        *,
        key: str | None = None,
        parent: str | None = None,
        attachments: Sequence[Attachable] = (),
    ) -> Run:
        """Adds a prompt and returns the run that will answer it as soon as a worker is free.

        Inside a transaction the prompt is part of it: workers and pages learn of it at the commit,
        and never after a rollback. The conversation's row stays locked until the transaction ends,
        and an answer being written there waits as long. So ask last, or in `transaction.on_commit`
        if there is much left to do.

        A `key` (at most 64 characters) that was used before in this conversation adds nothing and
        returns the run of that time.

        The prompt follows the last message, or `parent`: the id of another message, from which a
        branch begins that knows nothing of what came after that one; "" is a beginning.

        `attachments` go with it: files opened for reading bytes, which may be sought in, or the ids
        of some that were uploaded before.

        Raises Invalid, TooLarge, Unsupported, TooManyFiles and NoRoom for what is asked, KeyReused
        if the key came with another prompt, Busy if the conversation rejects prompts during an
        answer, TooManyRuns, BudgetSpent, ConversationFull, and NotFound if it was deleted.
        """
        short_enough("client_key", key or "")
        here = self._conversation
        with prompt_files.stored(here, attachments, key) as files:
            _, run, _ = here.post(content, None, key, parent, attachments=files)
        return Run(run).refresh()

    async def aask(
        self,
        content: str,
        *,
        key: str | None = None,
        parent: str | None = None,
        attachments: Sequence[Attachable] = (),
    ) -> Run:
        """Asynchronous twin of `ask`."""
        asked: dict[str, Any] = {"key": key, "parent": parent, "attachments": attachments}
        return await sync_to_async(self.ask)(content, **asked)

    def run(self, id: UUID | str) -> Run:
        """Returns one of its answers. Raises NotFound."""
        known = self._conversation.runs.select_related("conversation", "prompt", "answer")
        found = known.filter(uuid=uuid_of(id)).first()
        if found is None:
            raise NotFound("This answer isn't here.")
        return Run(found).refresh()

    async def arun(self, id: UUID | str) -> Run:
        """Asynchronous twin of `run`."""
        return await sync_to_async(self.run)(id)

    def runs(self) -> list[Run]:
        """Returns all its answers in the order they were asked for."""
        known = self._conversation.runs.select_related("conversation", "prompt", "answer")
        return [Run(run) for run in known.order_by("pk")]

    async def aruns(self) -> list[Run]:
        """Asynchronous twin of `runs`."""
        return await sync_to_async(self.runs)()

    def follow(self, *, after: int = 0) -> Follow:
        """Returns its events after the cursor `after` and those to come, for `for` and `async for`,
        without an end. 0 is the beginning; `head` gives only what comes from now on.
        """
        return Follow(self._conversation.pk, after)

    def delete(self) -> None:
        """Stops its answers and hides it at once; a worker purges it a little later."""
        quotas.lock_owner_ahead(self._conversation.owner_id)
        self._conversation.delete_softly(None)

    async def adelete(self) -> None:
        """Asynchronous twin of `delete`."""
        await sync_to_async(self.delete)()


def get(user: AbstractBaseUser, id: UUID | str) -> Chat:
    """Returns a conversation of this user. Raises NotFound, also for someone else's."""
    found = models.Conversation.objects.owned_by(user).filter(uuid=uuid_of(id)).first()
    if found is None:
        raise NotFound("This conversation isn't here, or isn't theirs.")
    return Chat(found)


async def aget(user: AbstractBaseUser, id: UUID | str) -> Chat:
    """Asynchronous twin of `get`."""
    return await sync_to_async(get)(user, id)


def conversations(user: AbstractBaseUser) -> list[Chat]:
    """Returns this user's conversations that are not archived, newest first."""
    owned = models.Conversation.objects.owned_by(user).filter(archived_at__isnull=True)
    return [Chat(each) for each in owned.newest()]


async def aconversations(user: AbstractBaseUser) -> list[Chat]:
    """Asynchronous twin of `conversations`."""
    return await sync_to_async(conversations)(user)


def uuid_of(id: UUID | str) -> UUID:
    """Parses an id; raises NotFound if it is no UUID."""
    try:
        return id if isinstance(id, UUID) else UUID(id)
    except ValueError:
        raise NotFound(f"{id!r} is no id.") from None
