"""Where an address leads: to this machine or a private network, or out into the world."""

from __future__ import annotations

import ipaddress
import socket
from functools import cache
from urllib.parse import urlsplit

# is_private of the standard library also holds ranges for documentation and benchmarks to be private
_PRIVATE = [
    ipaddress.ip_network(block)
    for block in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",  # behind a carrier's NAT, and used by private overlays
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
]


def host_of(base_url: str) -> str:
    """The host of a URL; "" where it names none."""
    return urlsplit(base_url).hostname or ""


@cache
def is_private(base_url: str) -> bool:
    """Whether the server's addresses are all loopback or private, so that nothing leaves the own network.

    A name that cannot be resolved is private if it has no dot: no public host has such a name.
    """
    host = host_of(base_url)
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}  # an address resolves to itself
    except OSError:
        return "." not in host
    return all(_in_private_range(address) for address in found)


def may_carry_a_key(base_url: str) -> bool:
    """Whether a key may be sent there: over https to anyone, in the clear only to private addresses."""
    return urlsplit(base_url).scheme == "https" or is_private(base_url)


def _in_private_range(address: str) -> bool:
    number = ipaddress.ip_address(address.partition("%")[0])  # fe80::1%eth0
    return any(number in block for block in _PRIVATE)
