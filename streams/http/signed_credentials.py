"""Tells without a query whether a request carries a credential that this site has signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import access, access_tokens
from . import cookie_parser

Scope = Mapping[str, Any]


def has_signed_in(scope: Scope) -> bool:
    """Tells whether someone has signed in on this device before, or sends an access token: both
    are signed.
    """
    headers = scope["headers"]
    return has_token(headers) or access.device_key(device_cookies(headers)) is not None


def has_token(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    said = next((value for name, value in headers if name == b"authorization"), b"")
    token = access_tokens.bearer(said.decode("latin-1"))
    return token is not None and access_tokens.is_signed(token)


def device_cookies(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    crumbs = b";".join(value for name, value in headers if name == b"cookie").decode("latin-1")
    return cookie_parser.parse(crumbs, (access.DEVICE_COOKIE, access.FIRST_DEVICE_COOKIE))
