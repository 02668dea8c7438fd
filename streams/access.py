"""Decides who may read and act, by one rule for Django's requests and for streams.

A session is valid while its user is active, its password is unchanged, its device has neither
signed out nor been revoked, and the backend that signed it in (AUTHENTICATION_BACKENDS) is still
configured and knows the user. Queries start from the owner, so nobody finds what is not theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import psycopg
from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    load_backend,
)
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser
from django.core import signing
from django.db import connections
from django.db.utils import OperationalError
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext

from . import access_tokens, sessions, user_model
from .access_queries import who
from .exceptions import NotSignedIn
from .models import Device
from .postgres import database

DEVICE_COOKIE = "streams_device"
DEVICE_SALT = "streams.device"
SEEN_EVERY = timedelta(minutes=1)
DEVICE_COOKIE_AGE = 400 * 24 * 3600  # the longest a browser keeps one
DEVICE_SESSION_KEY = "streams_device"
SIGN_OUTS_SESSION_KEY = "streams_sign_outs"  # how often the device had signed out when it began

# What those were called at first. Both go on until they are written anew.
FIRST_DEVICE_COOKIE = "device"
FIRST_DEVICE_SESSION_KEY, FIRST_SIGN_OUTS_SESSION_KEY = "device", "sign_outs"


class SignedIn(NamedTuple):
    """A session with its user and device, found in one query, and the further columns asked for."""

    session: Mapping[str, Any]
    user: AbstractBaseUser
    device: Device
    more: Sequence[Any]
    by_site: bool = False  # known by the site's own word or by a token, and by no session

    @property
    def admitted(self) -> bool:
        if self.by_site:
            return user_model.is_active(self.user) and self.device.signed_in
        return admits(self.session, self.user, self.device)


def admits(session: Mapping[str, Any], user: AbstractBaseUser, device: Device) -> bool:
    """Tells whether this session speaks for this user on this device."""
    return (
        user_model.is_active(user)
        and device.signed_in
        and device.user_id == user.pk
        and str(session.get(SESSION_KEY)) == str(user.pk)
        and begun_on(session) == (device.pk, device.sign_outs)
        and session.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
        and hash_matches(session.get(HASH_SESSION_KEY, ""), user)
    )


def begun_on(session: Mapping[str, Any]) -> tuple[int | None, int]:
    """Returns the key of the device that a session began on, and how often the device had signed
    out by then. The key is None while the session has not opened a page of the app."""
    if DEVICE_SESSION_KEY in session:
        return session[DEVICE_SESSION_KEY], session.get(SIGN_OUTS_SESSION_KEY, 0)
    first = session.get(FIRST_DEVICE_SESSION_KEY)
    if isinstance(first, int):  # and not what a site has called so
        return first, session.get(FIRST_SIGN_OUTS_SESSION_KEY, 0)
    return None, 0


def hash_matches(known: str, user: AbstractBaseUser) -> bool:
    """Tells whether the session was made with the present password."""
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(known, each) for each in hashes)


def asks_backend(session: Mapping[str, Any]) -> bool:
    """Tells whether the backend decides by itself who remains signed in; Django's looks at
    `is_active`.
    """
    own, plain = type(load_backend(session[BACKEND_SESSION_KEY])), ModelBackend
    answers = (own.get_user, getattr(own, "user_can_authenticate", None))
    return answers != (plain.get_user, plain.user_can_authenticate)


def backend_knows(session: Mapping[str, Any], user: AbstractBaseUser) -> bool:
    """Asks the session's authentication backend whether it still knows the user.

    Runs in a thread, so it closes the thread's database connection itself.

    Raises psycopg.OperationalError.
    """
    try:
        return load_backend(session[BACKEND_SESSION_KEY]).get_user(user.pk) is not None
    except OperationalError as error:
        raise psycopg.OperationalError(str(error)) from error
    finally:
        connections.close_all()


def our_cookies() -> tuple[str, ...]:
    """Returns the names of all cookies that say who asks; others on the same host are not read."""
    names = settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME
    return DEVICE_COOKIE, FIRST_DEVICE_COOKIE, *names


def signed_key(device: Device) -> str:
    return signing.dumps(device.key, salt=DEVICE_SALT)


def device_key(
    cookies: Mapping[str, str], fallbacks: list[str | bytes] | None = None
) -> str | None:
    """The device's key in its cookie, or None when that is missing or not ours.

    Keys in use before are good too; `[]` asks for the present one's signature alone.
    """
    cookie = cookies.get(DEVICE_COOKIE) or cookies.get(FIRST_DEVICE_COOKIE)
    if not cookie:
        return None
    older = settings.SECRET_KEY_FALLBACKS if fallbacks is None else fallbacks
    return signed_by(cookie, settings.SECRET_KEY, tuple(older))


@lru_cache(maxsize=2048)  # a device sends the same cookie with each request
def signed_by(cookie: str, secret: str | bytes, older: tuple[str | bytes, ...]) -> str | None:
    try:
        key = signing.loads(cookie, key=secret, salt=DEVICE_SALT, fallback_keys=list(older))
    except signing.BadSignature:
        return None
    return key if isinstance(key, str) else None


def keys(cookies: Mapping[str, str]) -> dict[str, str] | None:
    """Returns the parameters of `who`; None if the cookies cannot be anybody's."""
    key, session = device_key(cookies), cookies.get(settings.SESSION_COOKIE_NAME)
    if not key or not session or "\0" in session:
        return None
    return {"key": key, "session": session}


def read(row: Sequence[Any], session: Mapping[str, Any] | None = None) -> SignedIn:
    """Reads a row of `who`; `session` is given if the row has none."""
    known, rest = sessions.decode(row[0]) if session is None else session, row[1:]
    user, rest = user_model.from_row(rest)
    attributes = [field.attname for field in Device._meta.concrete_fields]
    device = Device.from_db(database.alias(), attributes, rest[: len(attributes)])
    return SignedIn(known, user, device, rest[len(attributes) :])


def recall(request: HttpRequest) -> Device | None:
    """Returns the device of a valid session, and stores session and user on the request, where
    Django would put them after two queries of its own. None leaves all three to Django.
    """
    known = keys(request.COOKIES)
    if known is None or hasattr(request, "_cached_user"):
        return None
    in_table = sessions.table(database.alias()) is not None
    with database.connection().cursor() as cursor:
        cursor.execute(who(), known)
        row = cursor.fetchone()
    if row is None or not goes_on(found := read(row, None if in_table else request.session)):
        return None
    if in_table:
        request.session._session_cache = found.session  # type: ignore[attr-defined]
    request._cached_user = found.user  # type: ignore[attr-defined]
    # A site may answer for its users itself, whatever the session says.
    return found.device if request.user.pk == found.device.user_id else None


def by_token(token: str) -> SignedIn:
    """Returns the person and device of an access token.

    Raises NotSignedIn for one that is unknown, revoked or expired.
    """
    with database.connection().cursor() as cursor:
        cursor.execute(who(by_site=True), {"key": access_tokens.key_of(token)})
        return token_holder(cursor.fetchone())


def token_holder(row: Sequence[Any] | None) -> SignedIn:
    """Reads a row of `who` that an access token has found, as `by_token` does."""
    found = read(row, {})._replace(by_site=True) if row else None
    if found and found.device.kind == Device.Kind.API and found.admitted:
        return found
    raise NotSignedIn(gettext("This access token is unknown, was revoked, or has expired."))


def goes_on(found: SignedIn) -> bool:
    """Tells whether these are the session and user as Django would have them, too."""
    if not found.admitted or asks_backend(found.session):
        return False  # and a backend's user may be more than the row
    # One that was made with an older SECRET_KEY is signed anew by Django.
    return bool(found.session[HASH_SESSION_KEY] == found.user.get_session_auth_hash())


@database.atomic
def recognise(request: HttpRequest, user: AbstractBaseUser) -> Device:
    """The device of a session that has just begun: this browser's own, or a new one.

    One that was revoked is never itself again, but keeps the name a person gave it. One of
    somebody else's has changed hands: they are not signed in there any more.
    """
    key = device_key(request.COOKIES)
    for theirs in Device.objects.signed_in().filter(key=key).exclude(user_id=user.pk):
        theirs.sign_out()
    own = Device.objects.select_for_update(no_key=True).filter(user_id=user.pk)
    known = own.filter(key=key).first()
    if known and known.revoked_at is None:
        known.come_back()
    else:
        name = known.name if known else ""
        known = Device.introduce(user.pk, request.headers.get("User-Agent", ""), name)
    request.session[DEVICE_SESSION_KEY] = known.pk
    request.session[SIGN_OUTS_SESSION_KEY] = known.sign_outs
    return known
