"""The address of an API, from one that a person pasted: often a whole endpoint's."""

from __future__ import annotations

ENDPOINTS = ("/chat/completions", "/completions", "/responses", "/messages", "/models")


def base_of(address: str) -> str:
    """Without the endpoint and the slashes at its end; what has a query stays as it is."""
    base = address.strip().rstrip("/")
    for endpoint in ENDPOINTS:
        if base.endswith(endpoint):
            return base.removesuffix(endpoint).rstrip("/")
    return base


def host_of(address: str) -> str:
    """The same without the version, for SDKs that add it themselves."""
    return base_of(address).removesuffix("/v1").rstrip("/")
