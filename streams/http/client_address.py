"""Who is counted as one client, for limits on those whom nobody knows yet."""

from __future__ import annotations

from ipaddress import IPv6Network, ip_address


def network(address: str) -> str:
    """An address as it is counted: who has one IPv6 address has a whole /64 of them."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped:  # on a socket for both, or all of IPv4 would be one network
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed), 64), strict=False))
