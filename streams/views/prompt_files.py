"""Reads which files come with a prompt: those attached before, and those of a form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext, gettext_noop

from streams.attachments import intake, kinds
from streams.conf import conf
from streams.exceptions import Invalid, TooManyFiles
from streams.log import file_references
from streams.models import Attachment, Message
from streams.models.attachment import store
from streams.providers import registry
from streams.providers.model_names import words_of

from .parsing import FILES, is_form

NO_IMAGES = gettext_noop("%(model)s can't look at images. Choose another model, or remove them.")
NO_PDF = gettext_noop("%(model)s can't read PDF. Choose another model, or remove it.")


def attached(request: HttpRequest, given: dict[str, Any], place: UUID | None) -> list[UUID]:
    """Returns the files of a prompt in their order: those which the field `attachments` names, and
    then those that a form brings itself, which are stored. `place` is the conversation it goes to,
    or would begin by its `client_key`.

    Raises Invalid, and what `upload` raises. `given` then names all that are stored.
    """
    found = ids_in(given.get("attachments", []))
    brought = request.FILES.getlist(FILES) if is_form(request) else []
    if len(found) + len(brought) > (most := conf().attachments_per_message):
        told = gettext("At most %(most)d files go with one message.")
        raise TooManyFiles(told % {"most": most}, field="attachments")
    stored = stored_before(request.user, place, given.get("client_key")) if brought else {}
    for file in brought:
        content, about = intake.taken(file)
        # Sent again since its receipt was lost: the same request brings the same files.
        if about.sha256 not in stored:
            made = store(request.user, file.name or "", content, about)
            stored[about.sha256] = made.uuid
        found = [*dict.fromkeys([*found, stored[about.sha256]])]
        given["attachments"] = [str(each) for each in found]
    return found


def stored_before(user: Any, place: UUID | None, key: Any) -> dict[str, UUID]:
    """Returns the files of the prompt that was sent with this key, by what they hold."""
    if not key or place is None:
        return {}
    mine = Message.objects.filter(conversation__owner=user, conversation__uuid=place)
    earlier = mine.filter(client_key=key).first()
    if earlier is None:
        return {}
    own = Attachment.objects.owned_by(user).filter(uuid__in=files_of(earlier))
    return dict(own.values_list("sha256", "uuid"))


def ids_in(given: Iterable[Any]) -> list[UUID]:
    """Raises Invalid."""
    try:
        return [*dict.fromkeys(UUID(each) for each in given)]
    except (ValueError, TypeError, AttributeError) as error:
        raise Invalid("attachments is a list of ids.", field="attachments") from error


def files_of(prompt: Message) -> list[UUID]:
    """Returns the files that were sent with a prompt."""
    return [UUID(id) for id in file_references.ids_of(prompt.blocks)]


def check_taken(user: Any, model: str, ids: Sequence[UUID]) -> None:
    """Raises Invalid where a model cannot take one of these files."""
    if ids:
        own = Attachment.objects.owned_by(user).filter(uuid__in=ids)
        check_types(model, set(own.values_list("type", flat=True)))


def check_types(model: str, types: Set[str]) -> None:
    """Raises Invalid where a model cannot take files of one of these types."""
    takes = registry.takes(model)
    refused = (
        NO_IMAGES if types & {*kinds.IMAGES} and "image" not in takes else None,
        NO_PDF if kinds.PDF in types and "pdf" not in takes else None,
    )
    for told in filter(None, refused):
        raise Invalid(gettext(told) % {"model": words_of(model)}, field="attachments")


def waiting(user: Any, given: dict[str, Any]) -> list[Attachment]:
    """Returns the files of a refused form, which are shown in it again."""
    try:
        ids = ids_in(given.get("attachments", []))
    except Invalid:
        return []
    found = {each.uuid: each for each in Attachment.objects.owned_by(user).filter(uuid__in=ids)}
    return [found[each] for each in ids if each in found]
