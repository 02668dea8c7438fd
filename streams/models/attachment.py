from __future__ import annotations

import uuid
from datetime import timedelta
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext, gettext_lazy

from streams import quotas
from streams.attachments import intake, kinds, names, storage
from streams.attachments.kinds import Content
from streams.exceptions import NotFound
from streams.log.file_references import Reference
from streams.postgres.database import atomic, connection, in_a_test, own_cursor

from .conversation import Conversation
from .discarded_file import DiscardedFile

WRITTEN_WITHIN = timedelta(hours=1)  # a file whose attachment has not followed by then is deleted


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def owned_by(self, user: Any) -> AttachmentQuerySet:
        """The only door to files: those of a deleted conversation are not there, nor are others'.

        `user` is a person or their key.
        """
        kept = Q(conversation=None) | Q(conversation__deleted_at__isnull=True)
        return self.filter(kept, owner_id=getattr(user, "pk", user))


class Attachment(models.Model):
    """A file of a person's, of no conversation until it is sent with a prompt there.

    `message` is the one it was sent with first; others of its conversation may refer to it too, as
    an edited prompt does. `type` is what its content says. `place` is where the storage has it.
    """

    uuid = models.UUIDField(gettext_lazy("UUID"), default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="streams_attachments",
        verbose_name=gettext_lazy("owner"),
    )
    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="attachments",
        db_constraint=False,
        verbose_name=gettext_lazy("conversation"),
    )
    message = models.ForeignKey(
        "Message",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="attachments",
        db_constraint=False,
        verbose_name=gettext_lazy("message"),
    )
    name = models.CharField(gettext_lazy("name"), max_length=names.LONGEST)
    type = models.CharField(gettext_lazy("type"), max_length=40)
    size = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField(gettext_lazy("width"), null=True, blank=True)
    height = models.PositiveIntegerField(gettext_lazy("height"), null=True, blank=True)
    sha256 = models.CharField(gettext_lazy("SHA-256"), max_length=64)
    place = models.CharField(gettext_lazy("place"), max_length=200, editable=False)
    created_at = models.DateTimeField(gettext_lazy("created at"), db_default=Now(), editable=False)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("attachment")
        verbose_name_plural = gettext_lazy("attachments")
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(conversation__isnull=True),
                name="attachments_unsent",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_image(self) -> bool:
        return kinds.is_image(self.type)

    def reference(self) -> Reference:
        """Returns what messages and events say of it."""
        known = {"id": str(self.uuid), "name": self.name, "type": self.type, "size": self.size}
        return known | ({"width": self.width, "height": self.height} if self.width else {})


def upload(owner: Any, name: str, content: IO[bytes], *, may_roll_back: bool = False) -> Attachment:
    """Stores a file, which can be sought in, for a prompt to come. It is not in a transaction: a
    file is written before its row is. Or it `may_roll_back`, and then the file is deleted later.

    Raises what `intake.taken` and `quotas.check_files` raise.
    """
    return store(owner, name, *intake.taken(content), may_roll_back=may_roll_back)


def store(
    owner: Any,
    name: str,
    content: IO[bytes],
    found: Content,
    *,
    may_roll_back: bool = False,
    waits: bool = True,
) -> Attachment:
    """Stores what `intake.taken` has returned, as `upload` does. One that is sent or deleted by the
    same request does not wait. Raises what `quotas.check_files` raises.
    """
    quotas.check_files(owner.pk, found.size, waits)
    made = Attachment(owner=owner, name=names.named(name, found.type), **found._asdict())
    place = storage.place_of(made.uuid)
    announce(place, may_roll_back and connection().in_atomic_block and not in_a_test())
    written = storage.write(place, content)
    if written != place:
        storage.delete(written)
        raise ImproperlyConfigured("STREAMS attachment_storage has to keep the names it is given.")
    made.place = place
    try:
        return keep(made, found, waits)
    except Exception:
        DiscardedFile.objects.filter(place=place).update(due_at=Now())
        raise


ANNOUNCE = """
INSERT INTO streams_discardedfile (place, due_at)
VALUES (%s, statement_timestamp() + make_interval(secs => %s))
"""


def announce(place: str, apart: bool) -> None:
    """Notes that a file is about to be written; `apart` from the caller's transaction."""
    with own_cursor() if apart else connection().cursor() as cursor:
        cursor.execute(ANNOUNCE, [place, WRITTEN_WITHIN.total_seconds()])


@atomic
def keep(made: Attachment, found: Content, waits: bool) -> Attachment:
    """Stores the row of a file that is written. Raises what `quotas.check_files` raises."""
    quotas.lock_for_files(made.owner_id)
    quotas.check_files(made.owner_id, found.size, waits)
    made.save(force_insert=True)
    DiscardedFile.objects.filter(place=made.place).delete()
    return made


@atomic
def withdraw(owner: Any, uuid: UUID) -> None:
    """Deletes a file that has not been sent. Raises NotFound for any other."""
    unsent = Attachment.objects.owned_by(owner).filter(uuid=uuid, conversation=None)
    found = unsent.select_for_update(of=("self",)).first()
    if found is None:
        raise NotFound(gettext("This file isn't here, or has been sent."))
    found.delete()
