"""The key that notifications are signed with (RFC 8292), and what browsers are given of it."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from .conf import conf

PACKAGES = ("pywebpush", "aiohttp")


def is_installed() -> bool:
    return all(find_spec(name) for name in PACKAGES)


def can_sign(push: Mapping[str, str]) -> bool:
    """Tells whether `STREAMS["push"]` has a key that is one, and an address for push services."""
    if not push.get("subject", "").startswith(("mailto:", "https://")):
        return False
    try:
        signer(push.get("private_key", ""))
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4)
def signer(private_key: str) -> Any:
    """Returns py_vapid's signer. Raises ValueError for a key that is none."""
    from py_vapid import Vapid02

    return Vapid02.from_raw(private_key.encode())


def public_key() -> str:
    """Returns the `applicationServerKey` of this site, base64url; "" where nobody is told of
    anything, or nothing can be signed: `manage.py check` says why, and pages offer nothing.
    """
    push = conf().push
    usable = push and is_installed() and can_sign(push)
    return public_of(push["private_key"]) if usable else ""


@lru_cache(maxsize=4)
def public_of(private_key: str) -> str:
    from cryptography.hazmat.primitives import serialization

    point: bytes = signer(private_key).public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return urlsafe_b64encode(point).decode().rstrip("=")
