"""The key that notifications are signed with (RFC 8292), and what browsers are given of it."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import Any

from .conf import conf


@lru_cache(maxsize=4)
def signer(private_key: str) -> Any:
    """Returns py_vapid's signer. Raises what it raises for a key that is none."""
    from py_vapid import Vapid02

    return Vapid02.from_raw(private_key.encode())


def public_key() -> str:
    """Returns the `applicationServerKey` of this site, base64url; "" where there is none."""
    private_key = conf().push.get("private_key", "")
    return public_of(private_key) if private_key else ""


@lru_cache(maxsize=4)
def public_of(private_key: str) -> str:
    from cryptography.hazmat.primitives import serialization

    point: bytes = signer(private_key).public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return urlsafe_b64encode(point).decode().rstrip("=")
