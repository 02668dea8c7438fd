"""Decides which addresses count as one client, for limits on strangers."""

from __future__ import annotations

from ipaddress import IPv6Network, ip_address


def network(address: str) -> str:
    """Returns an address as it is counted: an IPv6 client owns a whole /64, so that is one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped:  # on a socket for both, or all of IPv4 would be one network
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed), 64), strict=False))
