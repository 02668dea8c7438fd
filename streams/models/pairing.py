from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import models
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from streams.conf import conf
from streams.exceptions import NotFound, PairingEnded, WrongCode
from streams.postgres import clock
from streams.postgres.database import atomic
from streams.user_model import is_active, lock_user

from .conversation import Conversation
from .device import Device

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is read as another
HALF = 4
LONGEST_CODE = 50  # characters, as typed: with all the dashes and spaces anybody puts between


@dataclass(frozen=True, slots=True)
class Opened:
    """A new pairing and its two secrets, which are stored nowhere."""

    pairing: Pairing
    token: str
    code: str


class Pairing(models.Model):
    """An invitation by one device to another: a link to scan, or a code to type.

    Half of the code finds the pairing and the other half proves it, so wrong attempts are counted
    at the pairing they aimed at. Only digests of the secrets are stored.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    opener = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="pairings")
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="pairings"
    )
    token_digest = models.CharField(max_length=64, unique=True)
    code_half = models.CharField(max_length=HALF, unique=True)
    code_digest = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    joined = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = gettext_lazy("pairing")
        verbose_name_plural = gettext_lazy("pairings")

    def __str__(self) -> str:
        return f"{self.opener} asks another device in"

    @classmethod
    @atomic
    def open(cls, opener: Device, conversation: Conversation) -> Opened:
        """Opens a pairing, which replaces the one this device had open."""
        lock_user(opener.user_id)
        cls.objects.filter(opener=opener, used_at__isnull=True).delete()
        token, code = secrets.token_urlsafe(16), new_code()
        while cls.objects.filter(code_half=code[:HALF]).exists():
            code = new_code()
        pairing = cls.objects.create(
            opener=opener,
            conversation=conversation,
            token_digest=digest(token),
            code_half=code[:HALF],
            code_digest=digest(code),
            expires_at=clock.now() + timedelta(seconds=conf().pairing),
        )
        return Opened(pairing, token, code)

    @classmethod
    def by_token(cls, token: str) -> Pairing:
        """Finds a pairing by its link. Raises NotFound, or PairingEnded if it can no longer be
        joined.
        """
        pairing = cls.known().filter(token_digest=digest(token)).first()
        if pairing is None:
            raise NotFound(gettext("This link isn't here any more. Ask for a new one."))
        pairing.check_waiting()
        return pairing

    @classmethod
    def by_code(cls, typed: str) -> Pairing:
        """Finds a pairing by its code. Raises what `by_token` does, and WrongCode for a wrong one.

        The attempt is counted before the code is compared, so that parallel attempts gain nothing.
        """
        code = "".join(each for each in typed[:LONGEST_CODE].upper() if each.isalnum())
        pairing = cls.known().filter(code_half=code[:HALF]).first()
        if pairing is None:
            raise WrongCode(gettext("That code isn't right."), field="code")
        this = cls.objects.filter(pk=pairing.pk)
        open = this.filter(tries__lt=conf().pairing_tries)
        counted = open.update(tries=models.F("tries") + 1)
        if not constant_time_compare(pairing.code_digest, digest(code)):
            raise WrongCode(gettext("That code isn't right."), field="code")
        if not counted:
            raise PairingEnded(gettext(ENDED["locked"]))
        this.update(tries=models.F("tries") - 1)
        pairing.check_waiting()
        return pairing

    @classmethod
    def known(cls) -> models.QuerySet[Pairing]:
        return cls.objects.select_related("opener__user", "conversation", "joined")

    @property
    def state(self) -> str:
        if self.used_at is not None:
            return "joined"
        if self.tries >= conf().pairing_tries:
            return "locked"
        welcome = self.opener.signed_in and is_active(self.opener.user)
        welcome = welcome and self.conversation.deleted_at is None
        return "waiting" if welcome and self.expires_at > clock.now() else "expired"

    def check_waiting(self) -> None:
        if (state := self.state) != "waiting":
            raise PairingEnded(gettext(ENDED[state]))

    def claim(self) -> User:
        """Uses the pairing up and returns who may sign in with it; only one caller succeeds.

        Runs in the transaction that creates the device: the person's row stays locked until its
        end, so that revoking all devices at the same time revokes the new one too.
        """
        person: User = lock_user(self.opener.user_id)
        self.refresh_from_db()
        self.check_waiting()
        self.used_at = clock.now()
        self.save(update_fields=["used_at"])
        return person

    def welcome(self, device: Device) -> None:
        self.joined = device
        self.save(update_fields=["joined"])


ENDED = {
    "joined": gettext_noop("This code has been used. Each works once: ask for a new one."),
    "locked": gettext_noop("This code was tried too often. Ask for a new one."),
    "expired": gettext_noop("This code has run out. Ask for a new one."),
}


def new_code() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(2 * HALF))


def digest(secret: str) -> str:
    return salted_hmac("streams.pairing", secret, algorithm="sha256").hexdigest()
