"""A person signs out by whichever page of the site: the device they have done it on ends."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from . import access
from .models import Device


def end_device(request: HttpRequest | None, user: Any, **_: Any) -> None:
    """Receives Django's `user_logged_out`, sent while the session is still there."""
    session = getattr(request, "session", None)
    pk = access.begun_on(session)[0] if session is not None and user is not None else None
    if pk is None:
        return
    for device in Device.objects.filter(pk=pk, user_id=user.pk):
        device.sign_out()
