"""Tells addresses of the public internet from those of this network, which no stranger may have
asked by us."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

# Each holds an address of version 4, which may be of this network.
TRANSLATED = [IPv6Network("64:ff9b::/96"), IPv6Network("2002::/16"), IPv6Network("2001::/32")]


def is_public(host: str) -> bool:
    """Tells whether a numeric address is one; False for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and (
        address.ipv4_mapped or any(address in each for each in TRANSLATED)
    ):
        return False
    return address.is_global and not address.is_multicast


def is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
