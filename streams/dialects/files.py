"""Files that clients send inside of their messages, in base64; none is fetched from an address.

They become attachments by the same checks as those of the pages, before the transaction in which
the prompt is stored.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from io import BytesIO
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from streams.attachments import kinds
from streams.conf import conf
from streams.exceptions import Invalid, StreamsError, TooManyFiles
from streams.log import references
from streams.models import Attachment, Message
from streams.models.attachment import upload

REMOTE = "Nothing is fetched from an address here: send a file's content as a data URL."
NOT_BASE64 = "A file is sent as a data URL in base64."
OURS = re.compile(r"/attachments/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/[^/]+")
OUR_FIELDS = ("file", "attachments")  # of refusals

Address = Callable[[references.Reference], str]


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

    def ids(self, files: Sequence[File], earlier: Message | None = None) -> tuple[UUID, ...]:
        """Returns the attachments of one message, stored now but for those that `earlier`, the same
        message of an earlier request, has already.

        Raises Invalid, TooManyFiles, and what `upload` raises.
        """
        if len(files) > (most := conf().attachments_per_message):
            told = f"At most {most} files go with one message."
            raise TooManyFiles(told, field=self.field)
        stored = digests(earlier) if earlier and files else {}
        return tuple(dict.fromkeys(file.known or self._id(file, stored) for file in files))

    def _id(self, file: File, stored: dict[str, UUID]) -> UUID:
        try:
            content = b64decode(file.data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Invalid(NOT_BASE64, field=self.field) from error
        if known := stored.get(hashlib.sha256(content).hexdigest()):
            return known
        made = upload(self.user, file.name, BytesIO(content)).uuid
        self._made.append(made)
        return made

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._made:
            left = Attachment.objects.owned_by(self.user).filter(uuid__in=self._made)
            left.filter(conversation=None).delete()
        if isinstance(error, StreamsError) and error.field in OUR_FIELDS:
            error.field = self.field


def digests(message: Message) -> dict[str, UUID]:
    """Returns a message's attachments by what they hold."""
    own = Attachment.objects.filter(uuid__in=ids_of(message))
    return dict(own.values_list("sha256", "uuid"))


def ids_of(message: Message) -> tuple[UUID, ...]:
    return tuple(UUID(id) for id in references.ids_of(message.blocks))


def earlier_of(user: Any, place: UUID | None, key: str | None) -> Message | None:
    """Returns the prompt that came with this key to this conversation before."""
    if not key or place is None:
        return None
    here = Q(conversation__owner=user, conversation__uuid=place)
    return Message.objects.filter(here, client_key=key).first()


def addresses(request: HttpRequest) -> Address:
    """Returns what tells a file's address as this client reaches it."""

    def address(it: references.Reference) -> str:
        place = reverse("streams:attached-file", args=[it["id"], it["name"]])
        return request.build_absolute_uri(place)

    return address
