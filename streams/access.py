"""Who may read and act: one rule for Django's requests and for the streams beside them.

A session is good while its user is active, its password unchanged and its device neither
signed out since nor revoked, and while what signed them in (AUTHENTICATION_BACKENDS) is still
in use and knows them. What belongs to someone else is found by nobody: queries start
from the owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.db import SessionStore
from django.core import signing
from django.db import connections
from django.db.utils import OperationalError
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from .models import Device
from .postgres import database
from .user_model import is_active

DEVICE_COOKIE = "device"
DEVICE_SALT = "streams.device"
DEVICE_COOKIE_AGE = 400 * 24 * 3600  # the longest a browser keeps one
DEVICE_SESSION_KEY = "device"
SIGN_OUTS_SESSION_KEY = "sign_outs"  # how often the device had signed out when it began


class SignedIn(NamedTuple):
    """Who asks, found in one query, and what else was asked with it."""

    session: Mapping[str, Any]
    user: AbstractBaseUser
    device: Device
    more: Sequence[Any]

    @property
    def admitted(self) -> bool:
        return admits(self.session, self.user, self.device)


def admits(session: Mapping[str, Any], user: AbstractBaseUser, device: Device) -> bool:
    """Whether this session speaks for this user on this device."""
    return (
        is_active(user)
        and device.signed_in
        and device.user_id == user.pk
        and str(session.get(SESSION_KEY)) == str(user.pk)
        and session.get(DEVICE_SESSION_KEY) == device.pk
        and session.get(SIGN_OUTS_SESSION_KEY, 0) == device.sign_outs
        and session.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
        and hash_matches(session.get(HASH_SESSION_KEY, ""), user)
    )


def hash_matches(known: str, user: AbstractBaseUser) -> bool:
    """A password change ends every session that was made with the old one."""
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(known, each) for each in hashes)


def asks_backend(session: Mapping[str, Any]) -> bool:
    """Whether the backend has a word of its own in who goes on; Django's says `is_active`."""
    own, plain = type(load_backend(session[BACKEND_SESSION_KEY])), ModelBackend
    answers = (own.get_user, getattr(own, "user_can_authenticate", None))
    return answers != (plain.get_user, plain.user_can_authenticate)


def backend_knows(session: Mapping[str, Any], user: AbstractBaseUser) -> bool:
    """The word of one that has; in a thread, whose connection nobody else gives back.

    Raises psycopg.OperationalError.
    """
    try:
        return load_backend(session[BACKEND_SESSION_KEY]).get_user(user.pk) is not None
    except OperationalError as error:
        raise psycopg.OperationalError(str(error)) from error
    finally:
        connections.close_all()


def our_cookies() -> tuple[str, ...]:
    """The names of all cookies that say who asks; a neighbour's on the same host are not read."""
    return DEVICE_COOKIE, settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME


def signed_key(device: Device) -> str:
    return signing.dumps(device.key, salt=DEVICE_SALT)


def device_key(cookie: str | None, fallbacks: list[str | bytes] | None = None) -> str | None:
    """The device's key in the cookie, or None when it is missing or not ours.

    Keys in use before are good too; `[]` asks for the present one's signature alone.
    """
    if not cookie:
        return None
    try:
        key = signing.loads(cookie, salt=DEVICE_SALT, fallback_keys=fallbacks)
    except signing.BadSignature:
        return None
    return key if isinstance(key, str) else None


def known_key(request: HttpRequest, fallbacks: list[str | bytes] | None = None) -> str | None:
    return device_key(request.COOKIES.get(DEVICE_COOKIE), fallbacks)


def keys(cookies: Mapping[str, str]) -> dict[str, str] | None:
    """The parameters of `who`, or None where the cookies cannot be anybody's."""
    key, session = device_key(cookies.get(DEVICE_COOKIE)), cookies.get(settings.SESSION_COOKIE_NAME)
    if not key or not session or "\0" in session:
        return None
    return {"key": key, "session": session}


def who(columns: str = "", joins: str = "") -> str:
    """A query for session, user and device at once, and for `columns` of what `joins` add."""
    user_model = get_user_model()
    quoted: Any = database.connection().ops.quote_name
    own = [f"u.{quoted(field.column)}" for field in user_model._meta.concrete_fields]
    own += [f"d.{field.column}" for field in Device._meta.concrete_fields]
    return (
        f"SELECT {', '.join(['s.session_data', *own, *([columns] if columns else [])])}"
        " FROM django_session s"
        " JOIN streams_device d ON d.key = %(key)s"
        " AND d.revoked_at IS NULL AND d.signed_out_at IS NULL"
        f" JOIN {quoted(user_model._meta.db_table)} u"
        f" ON u.{quoted(user_model._meta.pk.column)} = d.user_id {joins}"
        " WHERE s.session_key = %(session)s AND s.expire_date > now()"
    )


def read(row: Sequence[Any]) -> SignedIn:
    """A row of `who`."""
    user_model = get_user_model()
    users, devices = attributes(user_model), attributes(Device)
    session, rest = SessionStore().decode(row[0]), row[1:]
    user = user_model.from_db(database.alias(), users, rest[: len(users)])
    device = Device.from_db(database.alias(), devices, rest[len(users) :][: len(devices)])
    return SignedIn(session, user, device, rest[len(users) + len(devices) :])


def attributes(model: Any) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def recall(request: HttpRequest) -> Device | None:
    """The device of a session that goes on; session and user are where Django would put them
    after two queries of its own. None leaves all three to Django."""
    known = keys(request.COOKIES)
    if known is None:
        return None
    with database.connection().cursor() as cursor:
        cursor.execute(who(), known)
        row = cursor.fetchone()
    if row is None or not (found := read(row)).admitted:
        return None
    if asks_backend(found.session):
        return None  # and its user may be more than the row
    if found.session[HASH_SESSION_KEY] != found.user.get_session_auth_hash():
        return None  # made with an older SECRET_KEY: Django signs it anew
    request.session._session_cache = found.session  # type: ignore[attr-defined]
    request._cached_user = found.user  # type: ignore[attr-defined]
    return found.device


@database.atomic
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
