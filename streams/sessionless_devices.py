"""Devices of people whom the site authenticates without a session, as by a token."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from . import user_model
from .access import DEVICE_SALT, device_key
from .models import Device
from .models.device import LONGEST_AGENT
from .postgres import database


def introduced(request: HttpRequest, user: AbstractBaseUser) -> Device | None:
    """Returns the device the request comes from: the one first seen with its token, else the one
    its cookie names, else one with the same user agent, else a new one.

    None if the device first seen with this token was revoked: sending the same token again is not
    signing in again.
    """
    device = known(request, user) or first_met(request, user)
    if device.signed_out_at and device.revoked_at is None:
        device = came_back(device)
    return device if device.revoked_at is None else None


def known(request: HttpRequest, user: AbstractBaseUser) -> Device | None:
    own = Device.objects.filter(user_id=user.pk)
    if began := own.filter(key__in=token_keys(request, user)).first():
        return began
    agent = request.headers.get("User-Agent", "")[:LONGEST_AGENT]
    here = own.signed_in().exclude(kind=Device.Kind.API)
    named = here.filter(key=device_key(request.COOKIES)).first()
    return named or here.filter(user_agent=agent).first()


@database.atomic
def first_met(request: HttpRequest, user: AbstractBaseUser) -> Device:
    """Creates the device once, however many first requests arrive at the same time."""
    user_model.lock_user(user.pk)
    if device := known(request, user):
        return device
    key = next(iter(token_keys(request, user)), "")
    return Device.introduce(user.pk, request.headers.get("User-Agent", ""), key=key)


def token_keys(request: HttpRequest, user: AbstractBaseUser) -> list[str]:
    """Returns the key of a device first seen with this Authorization header, then the keys that
    SECRET_KEY_FALLBACKS would have made; empty without the header."""
    token = request.headers.get("Authorization")
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS] if token else []
    text = f"{user.pk} {token}"
    made = (salted_hmac(DEVICE_SALT, text, each, algorithm="sha256") for each in secrets)
    return [each.hexdigest() for each in made]


@database.atomic
def came_back(device: Device) -> Device:
    """Marks a signed-out device as signed in again, unless it was revoked meanwhile."""
    device = Device.objects.select_for_update(no_key=True).get(pk=device.pk)
    if device.revoked_at is None:
        device.come_back()
    return device
