"""Access tokens: how a program says who it is, as `Authorization: Bearer cs_…` (RFC 6750).

A token belongs to a device of kind `api`, whose key is the token's hash. The token itself is shown
once and kept nowhere. It ends with a signature, so that a made-up one is known without a query.
"""

from __future__ import annotations

import hashlib
import secrets

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

PREFIX = "cs_"
SALT = "streams.access_token"
SIGNATURE = 16  # characters


def new_token() -> str:
    secret = PREFIX + secrets.token_urlsafe(32)
    return secret + signature(secret, settings.SECRET_KEY)


def key_of(token: str) -> str:
    """Returns the key of the token's device. A token is random enough for a plain hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def bearer(header: str | None) -> str | None:
    """Returns the access token in an Authorization header; None for any other credentials, which
    the site may know.
    """
    scheme, _, token = (header or "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token.startswith(PREFIX) else None


def is_signed(token: str) -> bool:
    """Tells whether a token was made here, by the present SECRET_KEY or an earlier one. It may
    have been revoked since."""
    secret, signed = token[:-SIGNATURE], token[-SIGNATURE:]
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(constant_time_compare(signature(secret, key), signed) for key in keys)


def signature(secret: str, key: str) -> str:
    return salted_hmac(SALT, secret, key, algorithm="sha256").hexdigest()[:SIGNATURE]
