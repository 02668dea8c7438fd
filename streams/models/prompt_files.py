"""Which files go with a prompt: new ones, and those of the same conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.db.models import Q
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext

from streams.conf import conf
from streams.exceptions import KeyReused, NotFound, TooLarge, TooManyFiles
from streams.log import file_references

if TYPE_CHECKING:
    from .attachment import Attachment
    from .conversation import Conversation
    from .message import Message


def check_repeated(earlier: Message, content: str, ids: Sequence[UUID]) -> None:
    """Raises KeyReused unless a prompt with the same key said the same, with the same files."""
    if earlier.text != content or not has_same(earlier, ids):
        raise KeyReused("This client_key was used for another prompt.", field="client_key")


def has_same(earlier: Message, ids: Sequence[UUID]) -> bool:
    """Tells whether a prompt was sent with these files, or others of the same content: of two
    requests at the same moment each has stored its own.
    """
    sent, given = [UUID(id) for id in file_references.ids_of(earlier.blocks)], [*dict.fromkeys(ids)]
    if sent == given or not (sent and given):
        return sent == given
    known = files_of(earlier.conversation.owner_id).filter(uuid__in={*sent, *given})
    digests = dict(known.values_list("uuid", "sha256"))
    before, now = ([*dict.fromkeys(digests.get(id, id) for id in each)] for each in (sent, given))
    return before == now


def sendable(here: Conversation, ids: Sequence[UUID]) -> list[Attachment]:
    """Returns the files of these ids, in this order, and locks their rows. Each must be the
    conversation's owner's, and unsent or sent in this conversation, which may be unsaved.

    Raises TooManyFiles, TooLarge, and NotFound with the field `attachments`.
    """
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > (most := conf().attachments_per_message):
        told = gettext("At most %(most)d files go with one message.")
        raise TooManyFiles(told % {"most": most}, field="attachments")
    if not wanted:
        return []
    free = Q(conversation=None) | (Q(conversation_id=here.pk) if here.pk else Q())
    rows = files_of(here.owner_id).filter(free, uuid__in=wanted).order_by("pk")
    found = {each.uuid: each for each in rows.select_for_update(of=("self",))}
    if len(found) < len(wanted):
        told = gettext("A file isn't here any more. Remove it, and attach it again.")
        raise NotFound(told, field="attachments")
    if sum(each.size for each in found.values()) > (most := conf().attachment_bytes_at_once):
        told = gettext("These files are too large for one message: at most %(most)s together.")
        raise TooLarge(told % {"most": filesizeformat(most)}, field="attachments")
    return [found[each] for each in wanted]


def sent(files: Sequence[Attachment], message: Message) -> None:
    """Records with which message files were sent. The caller holds their rows."""
    if new := [each.pk for each in files if each.conversation_id is None]:
        rows = files_of(message.conversation.owner_id).filter(pk__in=new)
        rows.update(conversation_id=message.conversation_id, message_id=message.pk)


def files_of(owner_id: Any) -> Any:
    return apps.get_model("streams", "Attachment").objects.filter(owner_id=owner_id)
