"""Finds an API's base address in one that was pasted, often that of a whole endpoint."""

from __future__ import annotations

ENDPOINTS = ("/chat/completions", "/completions", "/responses", "/messages", "/models")


def base_of(address: str) -> str:
    """Removes the endpoint and trailing slashes; an address with a query stays as it is."""
    base = address.strip().rstrip("/")
    for endpoint in ENDPOINTS:
        if base.endswith(endpoint):
            return base.removesuffix(endpoint).rstrip("/")
    return base


def host_of(address: str) -> str:
    """Returns the address without its version too, for SDKs that add that themselves."""
    return base_of(address).removesuffix("/v1").rstrip("/")
