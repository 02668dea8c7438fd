from __future__ import annotations

from base64 import urlsafe_b64decode
from urllib.parse import urlsplit

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext, gettext_lazy

from streams.exceptions import Invalid
from streams.postgres.database import atomic
from streams.public_ip_addresses import is_number, is_public

from .device import Device

LONGEST = 1000  # characters of an endpoint; those of today's services have 200 to 500


class PushSubscription(models.Model):
    """Where and how a device is told while nobody looks: what its browser's Push API has given it.

    `p256dh` and `auth` are the keys of RFC 8291, base64url without padding. A browser that another
    person has taken over is told of that person's answers alone.
    """

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="push_subscriptions")
    endpoint = models.CharField(max_length=LONGEST, unique=True)
    p256dh = models.CharField(max_length=90)
    auth = models.CharField(max_length=30)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = gettext_lazy("push subscription")
        verbose_name_plural = gettext_lazy("push subscriptions")

    def __str__(self) -> str:
        return f"notifications on {self.device}"

    @classmethod
    @atomic
    def subscribe(cls, device: Device, endpoint: str, p256dh: str, auth: str) -> None:
        """Sets the device's only subscription. Raises Invalid for what no browser gives."""
        check_endpoint(endpoint)
        p256dh = check_key("p256dh", p256dh, length=65, first=4)  # a point, uncompressed
        auth = check_key("auth", auth, length=16)
        row = PushSubscription(device=device, endpoint=endpoint, p256dh=p256dh, auth=auth)
        PushSubscription.objects.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["endpoint"],
            update_fields=["device", "p256dh", "auth"],
        )
        cls.objects.filter(device=device).exclude(endpoint=endpoint).delete()


def check_endpoint(endpoint: str) -> None:
    """Raises Invalid. What a name leads to is looked at when it is asked."""
    wrong = Invalid(gettext("This is no address of a push service."), field="endpoint")
    if len(endpoint) > LONGEST or not endpoint.isascii() or not endpoint.isprintable():
        raise wrong
    try:
        place = urlsplit(endpoint)
        host, port = place.hostname, place.port
    except ValueError:
        raise wrong from None
    if place.scheme != "https" or not host or place.username is not None or " " in endpoint:
        raise wrong
    if port not in (None, 443) or (is_number(host) and not is_public(host)):
        raise wrong


def check_key(name: str, key: str, length: int, first: int | None = None) -> str:
    """Returns the key without padding. Raises Invalid for one of another length."""
    key = key.rstrip("=")
    try:
        number = urlsafe_b64decode(key.encode("ascii") + b"=" * (-len(key) % 4))
    except ValueError:
        number = b""
    if len(number) != length or len(key) != -(-length * 4 // 3) or first not in (None, number[0]):
        raise Invalid(gettext("This is no key of a push subscription."), field=name)
    return key
