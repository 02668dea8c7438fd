"""The project's own table: invitations."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from streams.exceptions import NotFound
from streams.postgres import clock

DAYS = 7


def in_some_days() -> datetime:
    return clock.now() + timedelta(days=DAYS)


class Invitation(models.Model):
    """A link with which one person makes an account, once and until it expires.

    Only a digest of it is stored: the link is shown once, to whoever made it.
    """

    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    note = models.CharField(_("note"), max_length=200, blank=True, help_text=_("For whom it is."))
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("made by"),
    )
    expires_at = models.DateTimeField(_("expires"), default=in_some_days)
    used_at = models.DateTimeField(_("used"), null=True, editable=False)
    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("who came"),
    )

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.note or f"{_('invitation')} {self.pk}"

    def renew(self) -> str:
        """Returns the secret of its link; one it had before opens nothing any more."""
        token = secrets.token_urlsafe(16)
        self.token_digest = digest(token)
        return token

    @classmethod
    def by_token(cls, token: str, lock: bool = False) -> Invitation:
        """Finds an invitation by its link. Raises NotFound once it was used or has expired.

        With `lock` nobody else can use it before the end of the caller's transaction.
        """
        known = cls.objects.select_for_update() if lock else cls.objects
        found = known.filter(token_digest=digest(token)).first()
        if found is None or found.used_at or found.expires_at <= clock.now():
            raise NotFound(gettext("This invitation was used, or has run out. Ask for a new one."))
        return found

    def accept(self, person: User) -> None:
        self.person, self.used_at = person, clock.now()
        self.save(update_fields=["person", "used_at"])


def digest(token: str) -> str:
    return salted_hmac("chatstream.invitation", token, algorithm="sha256").hexdigest()
