"""Who may read and act: one rule for Django's requests and for the streams beside them.

A session is good while its user is active, its password unchanged and its device neither
signed out since nor revoked. What belongs to someone else is found by nobody: queries start
from the owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AbstractBaseUser
from django.core import signing
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from .models import Device

DEVICE_COOKIE = "device"
DEVICE_SALT = "streams.device"
DEVICE_COOKIE_AGE = 400 * 24 * 3600  # the longest a browser keeps one
DEVICE_SESSION_KEY = "device"
SIGN_OUTS_SESSION_KEY = "sign_outs"  # how often the device had signed out when it began


def admits(session: Mapping[str, Any], user: AbstractBaseUser, device: Device) -> bool:
    """Whether this session speaks for this user on this device."""
    return (
        user.is_active
        and device.signed_in
        and device.user_id == user.pk
        and str(session.get(SESSION_KEY)) == str(user.pk)
        and session.get(DEVICE_SESSION_KEY) == device.pk
        and session.get(SIGN_OUTS_SESSION_KEY, 0) == device.sign_outs
        and bool(session.get(BACKEND_SESSION_KEY))
        and hash_matches(session.get(HASH_SESSION_KEY, ""), user)
    )


def hash_matches(known: str, user: AbstractBaseUser) -> bool:
    """A password change ends every session that was made with the old one."""
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(known, each) for each in hashes)


def signed_key(device: Device) -> str:
    return signing.dumps(device.key, salt=DEVICE_SALT)


def device_key(cookie: str | None) -> str | None:
    """The device's key in the cookie, or None when it is missing or not ours."""
    if not cookie:
        return None
    try:
        key = signing.loads(cookie, salt=DEVICE_SALT)
    except signing.BadSignature:
        return None
    return key if isinstance(key, str) else None


def known_key(request: HttpRequest) -> str | None:
    return device_key(request.COOKIES.get(DEVICE_COOKIE))


@transaction.atomic
def recognise(request: HttpRequest, user: AbstractBaseUser) -> Device:
    """The device of a session that has just begun: this browser's own, or a new one.

    One that was revoked is never itself again, but keeps the name a person gave it.
    """
    own = Device.objects.select_for_update(no_key=True).filter(user_id=user.pk)
    known = own.filter(key=known_key(request)).first()
    if known and known.revoked_at is None:
        known.come_back()
    else:
        name = known.name if known else ""
        known = Device.introduce(user.pk, request.headers.get("User-Agent", ""), name)
    request.session[DEVICE_SESSION_KEY] = known.pk
    request.session[SIGN_OUTS_SESSION_KEY] = known.sign_outs
    return known
