"""Files that a site's own code sends with a prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, TypeAlias
from uuid import UUID

from django.core.files.base import File
from django.utils.translation import gettext

from streams.attachments import intake
from streams.conf import conf
from streams.exceptions import StreamsError, TooManyFiles
from streams.log import file_references
from streams.models import Attachment, Conversation
from streams.models.attachment import store
from streams.views.prompt_files import check_taken

Attachable: TypeAlias = "IO[bytes] | File[Any] | UUID"


@contextmanager
def stored(
    here: Conversation, files: Sequence[Attachable], key: str | None
) -> Iterator[list[UUID]]:
    """Stores files for a prompt with this key and yields their ids. If the block raises a
    StreamsError, the files are deleted again.

    Raises TooManyFiles, what `intake.taken` and `attachment.store` raise, and Invalid for a file
    that the model cannot take.
    """
    if len(files) > (most := conf().attachments_per_message):
        told = gettext("At most %(most)d files go with one message.")
        raise TooManyFiles(told % {"most": most}, field="attachments")
    earlier = sent_before(here, key) if files and key else {}
    made: list[UUID] = []
    try:
        ids = [*dict.fromkeys(one(here, file, earlier, made) for file in files)]
        check_taken(here.owner_id, here.model, ids)
        yield ids
    except StreamsError:
        discard(made)
        raise
    if key:  # and the same prompt with the same files may have been stored meanwhile
        discard(made)


def discard(made: Sequence[UUID]) -> None:
    if made:
        Attachment.objects.filter(uuid__in=made, conversation=None).delete()


def one(here: Conversation, file: Attachable, known: dict[str, UUID], made: list[UUID]) -> UUID:
    """Returns the id of a file, and stores the file unless `known` has its digest; then adds it to
    `known` and its id to `made`.
    """
    if isinstance(file, UUID):
        return file
    given: Any = file
    content, found = intake.taken(given)
    if found.sha256 not in known:
        name = getattr(file, "name", "")
        name = name if isinstance(name, str) else ""  # of a descriptor it is a number
        stored = store(here.owner, name, content, found, may_roll_back=True, waits=False)
        made.append(stored.uuid)
        known[found.sha256] = stored.uuid
    return known[found.sha256]


def sent_before(here: Conversation, key: str) -> dict[str, UUID]:
    """Returns the files of the prompt that was sent with this key, by what they hold."""
    earlier = here.messages.filter(client_key=key).first()
    ids = file_references.ids_of(earlier.blocks) if earlier else []
    return dict(Attachment.objects.filter(uuid__in=ids).values_list("sha256", "uuid"))
