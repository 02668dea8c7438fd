"""Finds the device of a request by its cookie and by the session that was begun on it."""

from __future__ import annotations

from django.conf import settings
from django.contrib import auth
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.db.models.functions import Now
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from streams import access
from streams.models import Device
from streams.sessionless_devices import introduced


def device_of(request: HttpRequest) -> Device | None:
    """Returns the device; None for nobody. Ends a session whose device was signed out or
    revoked.
    """
    device = access.recall(request) or looked_up(request)
    return seen(device) if device else None


def seen(device: Device) -> Device:
    """Records that the device is in use, once a minute at most."""
    # This machine's clock says when to look, and the database's what is written.
    if device.last_seen_at < timezone.now() - access.SEEN_EVERY:
        late = Device.objects.filter(pk=device.pk, last_seen_at__lt=Now() - access.SEEN_EVERY)
        late.update(last_seen_at=Now())
    return device


def looked_up(request: HttpRequest) -> Device | None:
    """Looks up a session that the app's pages have not seen: it is new, lost its cookie, or is
    invalid.
    """
    if not request.user.is_authenticated:
        return None
    if SESSION_KEY not in request.session:
        device = introduced(request, request.user)
        if device is None:
            request.user = AnonymousUser()
        return device
    pk, _ = access.begun_on(request.session)
    if pk is None:
        return access.recognise(request, request.user)
    device = Device.objects.filter(pk=pk).first()
    if device is None or not access.admits(request.session, request.user, device):
        auth.logout(request)
        return None
    return device


def begun(request: HttpRequest) -> Device | None:
    """Creates the device of a session that this very request has begun. A device made with the next
    page would be missing from every list, and outlive a sign-out everywhere, if that page never
    came.
    """
    if not request.user.is_authenticated:
        return None
    if str(request.session.get(SESSION_KEY)) != str(request.user.pk):
        return None  # whom the site knows otherwise
    if access.begun_on(request.session)[0] is not None:
        return None
    return access.recognise(request, request.user)


def remember(request: HttpRequest, response: HttpResponseBase, device: Device) -> None:
    """Sets the device's cookie for the app's pages, unless the browser has it with the present
    SECRET_KEY's signature already: older signatures expire with their keys. A program with a token
    gets none.
    """
    if device.kind == Device.Kind.API:
        return
    first = access.FIRST_DEVICE_COOKIE
    present = {access.DEVICE_COOKIE: request.COOKIES.get(access.DEVICE_COOKIE, "")}
    if access.device_key(present, []) == device.key:
        return
    response.set_cookie(
        access.DEVICE_COOKIE,
        access.signed_key(device),
        max_age=access.DEVICE_COOKIE_AGE,
        path=reverse("streams:home"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    if access.device_key({first: request.COOKIES.get(first, "")}):
        response.delete_cookie(first)
