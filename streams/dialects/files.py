"""Files that clients send inside of their messages, in base64; none is fetched from an address.

They become attachments by the same checks as those of the pages, before the transaction in which
the prompt is stored.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Sequence, Set
from io import BytesIO
from types import TracebackType
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from streams import budgets, quotas
from streams.attachments import intake, kinds
from streams.conf import conf
from streams.exceptions import Invalid, StreamsError, TooManyFiles
from streams.log import file_references
from streams.models import Attachment, Conversation, Message, posting
from streams.models.attachment import store
from streams.views.prompt_files import check_types

REMOTE = "Nothing is fetched from an address here: send a file's content as a data URL."
NOT_BASE64 = "A file is sent as a data URL in base64."
OURS = re.compile(r"/attachments/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/[^/]+")
OUR_FIELDS = ("file", "attachments")  # of refusals

Address = Callable[[file_references.Reference], str]


class File(NamedTuple):
    """A file as it was sent: its content in base64, or the id of one that was read back here."""

    name: str
    data: str = ""
    known: UUID | None = None


def of_url(url: Any, name: Any, field: str) -> File:
    """Reads a data URL, or the address that a file of this server was told by.

    Raises Invalid, and TooLarge before anything is decoded.
    """
    if not isinstance(url, str):
        raise Invalid(NOT_BASE64, field=field)
    if url[:5].lower() != "data:":
        return File("", known=id_in(url, field))
    head, _, data = url.partition(",")
    if not head.lower().endswith(";base64"):
        raise Invalid(NOT_BASE64, field=field)
    return of_base64(data, name, field)


def id_in(url: str, field: str) -> UUID:
    """Returns the id of the file at an address of this server. Raises Invalid for any other."""
    try:
        found = OURS.search(urlsplit(url).path) if len(url) < 2000 else None
    except ValueError:  # as of "http://[x"
        found = None
    if found is None:
        raise Invalid(REMOTE, field=field)
    return UUID(found[1])


def of_base64(data: Any, name: Any, field: str) -> File:
    """Raises Invalid, and TooLarge before anything is decoded."""
    if not isinstance(data, str):
        raise Invalid(NOT_BASE64, field=field)
    if len(data) > (conf().attachment_bytes + 2) // 3 * 4:
        error = kinds.too_large()
        error.field = field
        raise error
    return File(name if isinstance(name, str) else "", data)


class Taken(NamedTuple):
    """A file as it is to be stored, and its type."""

    name: str
    content: IO[bytes]
    about: kinds.Content


class Storing:
    """`with Storing(user, field) as storing`: what was stored for a request and did not go with a
    message in the end, as when the request is refused, is deleted again. Refusals name `field`.
    """

    def __init__(self, user: Any, field: str) -> None:
        self.user = user
        self.field = field
        self._made: list[UUID] = []

    def __enter__(self) -> Storing:
        return self

    def each(
        self,
        messages: Sequence[Sequence[File]],
        earlier: Message | None = None,
        ahead: Callable[[Set[str]], None] | None = None,
    ) -> list[tuple[UUID, ...]]:
        """Returns the attachments of each message of a request, stored now but for those that
        `earlier`, the last message of an earlier request, has already. Before anything is stored
        `ahead` may refuse it; it is told of which types the last message's files are.

        Raises Invalid, TooManyFiles, and what `intake.taken`, `attachment.store` and `ahead` raise.
        """
        if not any(messages):
            return [()] * len(messages)
        self._check_numbers(messages)
        taken = [[file.known or self._taken(file) for file in files] for files in messages]
        stored = digests(earlier) if earlier and taken[-1] else {}
        *before, last = [[each for each in own if isinstance(each, Taken)] for own in taken]
        if ahead and (any(before) or any(each.about.sha256 not in stored for each in last)):
            ahead({each.about.type for each in last})
        return [
            *(self._ids(own, {}) for own in taken[:-1]),
            *(self._ids(own, stored) for own in taken[-1:]),
        ]

    def _check_numbers(self, messages: Sequence[Sequence[File]]) -> None:
        numbers = [*map(len, messages)]
        if max(numbers) > (most := conf().attachments_per_message):
            told = f"At most {most} files go with one message."
            raise TooManyFiles(told, field=self.field)
        if sum(numbers) > (most := conf().attachments_per_request):
            told = f"At most {most} files go with one request, those of earlier messages included."
            raise TooManyFiles(told, field=self.field)

    def _taken(self, file: File) -> Taken:
        try:
            content = b64decode(file.data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Invalid(NOT_BASE64, field=self.field) from error
        return Taken(file.name, *intake.taken(BytesIO(content)))

    def _ids(self, files: Sequence[Taken | UUID], stored: dict[str, UUID]) -> tuple[UUID, ...]:
        return tuple(dict.fromkeys(self._id(file, stored) for file in files))

    def _id(self, file: Taken | UUID, stored: dict[str, UUID]) -> UUID:
        """Returns a file's id, which is in `stored` by what it holds, and adds it there."""
        if isinstance(file, UUID):
            return file
        name, content, about = file
        if about.sha256 not in stored:
            made = store(self.user, name, content, about, waits=False).uuid
            stored[about.sha256] = made
            self._made.append(made)
        return stored[about.sha256]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._made:
            left = Attachment.objects.owned_by(self.user).filter(uuid__in=self._made)
            left.filter(conversation=None).delete()
        if isinstance(error, StreamsError) and error.field in OUR_FIELDS:
            error.field = self.field


def check_ahead(
    user: Any, here: Conversation | None, model: str, said: Sequence[Any], types: Set[str]
) -> None:
    """Refuses a prompt, the last of the messages `said`, before its files are stored: what is
    looked at here without locks is looked at again behind it. `here` is None for a new one.

    Raises Invalid, TooLarge, ConversationFull, TooManyRuns and BudgetSpent.
    """
    check_types(model, types)
    posting.checked(said[-1].text, said[-1].files)
    there = here or Conversation(owner=user)
    quotas.check_length(there, len(said) + 1)
    if there.on_busy == Conversation.OnBusy.INTERRUPT:  # which makes room first
        budgets.check(user.pk)
    else:
        quotas.check_runs(there)


def digests(message: Message) -> dict[str, UUID]:
    """Returns a message's attachments by what they hold."""
    own = Attachment.objects.filter(uuid__in=ids_of(message))
    return dict(own.values_list("sha256", "uuid"))


def ids_of(message: Message) -> tuple[UUID, ...]:
    return tuple(UUID(id) for id in file_references.ids_of(message.blocks))


def earlier_of(user: Any, place: UUID | None, key: str | None) -> Message | None:
    """Returns the prompt that came with this key to this conversation before."""
    if not key or place is None:
        return None
    here = Q(conversation__owner=user, conversation__uuid=place)
    return Message.objects.filter(here, client_key=key).first()


def addresses(request: HttpRequest) -> Address:
    """Returns what tells a file's address as this client reaches it."""

    def address(it: file_references.Reference) -> str:
        place = reverse("streams:attached-file", args=[it["id"], it["name"]])
        return request.build_absolute_uri(place)

    return address
