"""Authenticates clients without a session: by an access token, or by the site's own function,
`STREAMS["authenticate"]`.
"""

from __future__ import annotations

import logging

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.utils import OperationalError
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from . import access, access_tokens, user_model
from .conf import conf
from .exceptions import Internal, ReadOnly, StreamsError
from .http.csrf import SAFE
from .models import Device
from .sessionless_devices import introduced

logger = logging.getLogger(__name__)


def device_by_token(request: HttpRequest) -> Device | None:
    """Returns the device of the access token in the request, and makes its person `request.user`;
    None without such a token.

    Raises NotSignedIn for a token that is unknown, revoked or expired.
    """
    token = access_tokens.bearer(request.headers.get("Authorization"))
    if token is None:
        return None
    found = access.by_token(token)
    request.user = found.user  # type: ignore[assignment]
    return found.device


def check_may_act(device: Device, method: str) -> None:
    """Raises ReadOnly for a method that changes something, with a token that may only read."""
    if device.read_only and method not in SAFE:
        raise ReadOnly(gettext("This access token may only read."))


def device_by_site(request: HttpRequest) -> Device | None:
    """Returns the device of the person whom the site's function names, and makes that person
    `request.user`; None where it names nobody.

    Raises Internal when the function fails, after logging why. A StreamsError or OperationalError
    that it raises passes through.
    """
    path = conf().authenticate
    if not path:
        return None
    try:
        user = known_to(path, request)
    except (StreamsError, OperationalError):
        raise
    except Exception as error:
        logger.exception("STREAMS authenticate, %s, failed", path)
        raise Internal(gettext("Something went wrong on our side.")) from error
    device = introduced(request, user) if user else None
    if device:
        request.user = user  # type: ignore[assignment]
    return device


def known_to(path: str, request: HttpRequest) -> AbstractBaseUser | None:
    """Returns the active user that the function at this dotted path names, or None.

    Raises what the function raises, ImportError, and TypeError for a result that is no user.
    """
    user = import_string(path)(request)
    if user is None or isinstance(user, AnonymousUser):
        return None
    if not isinstance(user, get_user_model()):
        raise TypeError(f"STREAMS authenticate returned a {type(user).__name__}, and no user.")
    return user if user_model.is_active(user) else None
