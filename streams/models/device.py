from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from itertools import count
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from streams import access_tokens
from streams.exceptions import Invalid
from streams.postgres import channels, clock
from streams.postgres.database import atomic
from streams.user_model import lock_user

NAME_LENGTH = 80
LONGEST_AGENT = 300
LONGEST_EXPIRY = 3650  # days


def new_key() -> str:
    return secrets.token_urlsafe(24)


class DeviceQuerySet(models.QuerySet["Device"]):
    def signed_in(self) -> DeviceQuerySet:
        return self.filter(revoked_at__isnull=True, signed_out_at__isnull=True)

    def free_name(self, name: str) -> str:
        """Returns the name, or "name (2)" and so on where one of these that is signed in has it."""
        taken = set(self.signed_in().values_list("name", flat=True))
        if name not in taken:
            return name
        begins = name[: NAME_LENGTH - len(" (100000)")]
        numbered = (f"{begins} ({number})" for number in count(2))
        return next(each for each in numbered if each not in taken)

    def forget_push(self) -> None:
        """Ends the notifications on these devices."""
        subscriptions: Any = Device._meta.get_field("push_subscriptions").related_model
        subscriptions.objects.filter(device__in=self).delete()


class Device(models.Model):
    """A browser or client of a user, recognised by a key in a signed cookie.

    The key identifies the device but admits nobody: that needs a session, which is valid until the
    device signs out (`sign_outs` counts on) or is revoked. A device of kind `api` is a program with
    an access token, whose hash is the key: no cookie ever holds it.
    """

    class Kind(models.TextChoices):
        PHONE = "phone", gettext_lazy("Phone")
        TABLET = "tablet", gettext_lazy("Tablet")
        COMPUTER = "computer", gettext_lazy("Computer")
        OTHER = "other", gettext_lazy("Other")
        API = "api", gettext_lazy("Program")

    uuid = models.UUIDField(gettext_lazy("UUID"), default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="streams_devices",
        verbose_name=gettext_lazy("user"),
    )
    key = models.CharField(max_length=64, unique=True, default=new_key, editable=False)
    name = models.CharField(gettext_lazy("name"), max_length=NAME_LENGTH)
    kind = models.CharField(
        gettext_lazy("kind"), max_length=8, choices=Kind.choices, default=Kind.OTHER
    )
    user_agent = models.CharField(gettext_lazy("user agent"), max_length=LONGEST_AGENT, blank=True)
    created_at = models.DateTimeField(gettext_lazy("created at"), auto_now_add=True)
    last_seen_at = models.DateTimeField(gettext_lazy("last seen at"), default=timezone.now)
    sign_outs = models.PositiveIntegerField(default=0, editable=False)
    signed_out_at = models.DateTimeField(gettext_lazy("signed out at"), null=True, blank=True)
    revoked_at = models.DateTimeField(gettext_lazy("revoked at"), null=True, blank=True)
    # Of an access token.
    read_only = models.BooleanField(db_default=False, default=False)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("device")
        verbose_name_plural = gettext_lazy("devices")
        ordering = ("-last_seen_at",)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def introduce(cls, user_id: Any, user_agent: str, name: str = "", key: str = "") -> Device:
        """Creates a device of this user, named after its user agent unless a name is given. It has
        a number where another device of theirs has that name.
        """
        agent = user_agent[:LONGEST_AGENT]  # each of a thousand regular expressions reads it
        described_as, kind = described(agent)
        return cls.objects.create(
            user_id=user_id,
            key=key or new_key(),
            name=cls.objects.filter(user_id=user_id).free_name(name or described_as),
            kind=kind,
            user_agent=agent,
            last_seen_at=clock.now(),
        )

    @classmethod
    def issue_token(
        cls, user_id: Any, name: str, read_only: bool = False, days: int | None = None
    ) -> tuple[Device, str]:
        """Creates an access token, which expires after so many days, and its device; returns both.

        Raises Invalid for a name or days that cannot be.
        """
        if days is not None and not 1 <= days <= LONGEST_EXPIRY:
            told = gettext("A token expires after 1 to %(most)d days.") % {"most": LONGEST_EXPIRY}
            raise Invalid(told, field="expires_days")
        now, token = clock.now(), access_tokens.new_token()
        device = cls(
            user_id=user_id,
            key=access_tokens.key_of(token),
            kind=cls.Kind.API,
            read_only=read_only,
            expires_at=now + timedelta(days=days) if days else None,
            last_seen_at=now,
        )
        device.name = fit_name(name)
        device.save()
        return device, token

    @classmethod
    @atomic
    def revoke_all_of(cls, user_id: Any, but: Device | None = None) -> int:
        """Revokes all devices of a person except the one in use; returns how many.

        The person's row is locked first, as pairing does: a device that joins at this moment has
        either joined before and is revoked too, or finds its opener revoked.
        """
        lock_user(user_id)
        leaving = cls.objects.filter(user_id=user_id).signed_in()
        if but:
            leaving = leaving.exclude(pk=but.pk)
        ids = list(leaving.values_list("pk", flat=True))
        leaving = cls.objects.filter(pk__in=ids)
        leaving.update(revoked_at=Now())
        leaving.forget_push()
        channels.devices_gone(ids)
        return len(ids)

    @atomic
    def revoke(self) -> None:
        """Revokes the device for good: its sessions and streams end, and signing in on it again
        makes a new device. So a copy of an old session never becomes valid again.
        """
        lock_user(self.user_id)
        known = Device.objects.filter(pk=self.pk, revoked_at__isnull=True)
        if known.update(revoked_at=Now()):
            Device.objects.filter(pk=self.pk).forget_push()
            channels.devices_gone([self.pk])

    @atomic
    def sign_out(self) -> None:
        """Ends the device's sessions, their copies, its streams and its pairing codes. The device
        is recognised when the same person signs in on it again.
        """
        lock_user(self.user_id)
        now = clock.now()
        here = Device.objects.filter(pk=self.pk).signed_in()
        if here.update(signed_out_at=now, sign_outs=models.F("sign_outs") + 1):
            self.refresh_from_db(fields=["signed_out_at", "sign_outs"])
            self.pairings.filter(used_at__isnull=True).update(expires_at=now)
            channels.signed_out(self.pk, self.sign_outs)

    def come_back(self) -> None:
        """Marks the device as signed in again. The caller holds its row, so that a simultaneous
        sign-out comes either before or after.
        """
        others = Device.objects.filter(user_id=self.user_id).exclude(pk=self.pk)
        self.name = others.free_name(self.name)
        self.signed_out_at = None
        self.last_seen_at = clock.now()
        self.save(update_fields=["name", "signed_out_at", "last_seen_at"])

    @property
    def signed_in(self) -> bool:
        return self.revoked_at is None and self.signed_out_at is None

    def rename(self, name: str) -> None:
        """Raises Invalid for an empty or too long name."""
        self.name = fit_name(name)
        self.save(update_fields=["name"])

    @property
    def mark(self) -> dict[str, str]:
        """Returns how events name the device that caused them, with its present name."""
        return {"id": str(self.uuid), "name": self.name}


def fit_name(name: str) -> str:
    """Returns the name with single spaces. Raises Invalid for an empty or too long one."""
    if len(name) > NAME_LENGTH:
        told = gettext("The name is too long: at most %(most)d characters.")
        raise Invalid(told % {"most": NAME_LENGTH}, field="name")
    name = " ".join(name.split())
    if not name:
        raise Invalid(gettext("A device needs a name."), field="name")
    return name


def described(user_agent: str) -> tuple[str, Device.Kind]:
    """Returns a name a person recognises ("Chrome on Android"), in the language of whoever asks,
    and the kind of device.
    """
    # Compiling its expressions is a fifth of a process's start, and few processes see a sign-in.
    from user_agents import parse

    agent: Any = parse(user_agent)
    kind = (
        Device.Kind.PHONE
        if agent.is_mobile
        else Device.Kind.TABLET
        if agent.is_tablet
        else Device.Kind.COMPUTER
        if agent.is_pc
        else Device.Kind.OTHER
    )
    browser = agent.browser.family.removesuffix(" Mobile").removeprefix("Mobile ")
    known = [part for part in (browser, agent.os.family) if part and part != "Other"]
    if len(known) == 2:
        name = gettext("%(browser)s on %(system)s") % {"browser": known[0], "system": known[1]}
    else:
        name = known[0] if known else gettext("Unknown device")
    return name[:NAME_LENGTH], kind
