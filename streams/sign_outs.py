"""A person signs out by whichever page of the site: the device they have done it on ends."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from . import access
from .models import Device


def end_device(request: HttpRequest | None, user: Any, **_: Any) -> None:
    """Receives Django's `user_logged_out`, sent while the session is still there. One from before
    the device last signed out says nothing of the session it has come back with."""
    session = getattr(request, "session", None)
    pk, sign_outs = access.begun_on(session or {})
    if pk is None or user is None:
        return
    for device in Device.objects.filter(pk=pk, user_id=user.pk, sign_outs=sign_outs):
        device.sign_out()
