"""Where an address leads: to this machine or a private network, or out into the world."""

from __future__ import annotations

import ipaddress
import socket
from functools import cache
from urllib.parse import urlsplit


def host_of(base_url: str) -> str:
    """The host of a URL; "" where it names none."""
    return urlsplit(base_url).hostname or ""


def is_loopback(base_url: str) -> bool:
    """Whether the server runs on this machine."""
    host = host_of(base_url)
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


@cache
def is_private(base_url: str) -> bool:
    """Whether the server's addresses are all loopback or private, so that nothing leaves the own network.

    A name that cannot be resolved is private if it has no dot: no public host has such a name.
    """
    host = host_of(base_url)
    if _is_address(host):
        return ipaddress.ip_address(host).is_private
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return "." not in host
    return all(ipaddress.ip_address(address).is_private for address in found)


def may_carry_a_key(base_url: str) -> bool:
    """Whether a key may be sent there: over https to anyone, in the clear only to private addresses."""
    return urlsplit(base_url).scheme == "https" or is_private(base_url)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
