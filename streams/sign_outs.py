"""Ends the device on which a person signs out by any page of the site."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from . import access
from .models import Device


def end_device(request: HttpRequest | None, user: Any, **_: Any) -> None:
    """Receives Django's `user_logged_out`, sent while the session still exists. A session from
    before the device last signed out is ignored: the device has come back with another.
    """
    session = getattr(request, "session", None)
    pk, sign_outs = access.begun_on(session or {})
    if pk is None or user is None:
        return
    for device in Device.objects.filter(pk=pk, user_id=user.pk, sign_outs=sign_outs):
        device.sign_out()
