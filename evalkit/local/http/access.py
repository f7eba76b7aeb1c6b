"""Who may ask.

A page in a browser on this machine can reach a loopback server. It is kept out by two rules: the Host must be
a loopback name, or the address that the server was told to listen at (a page that rebinds its own name to
127.0.0.1 still says its name), and an Origin must be the server's own. No CORS header is ever sent. A server
that listens beyond this machine always has a key.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass

from starlette.datastructures import Headers

from evalkit.local.http.errors import ApiError

EVERY_ADDRESS = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Access:
    """Where the server listens, and the key that every request must show; None = no key."""

    host: str = "127.0.0.1"
    key: str | None = None

    def check(self, headers: Headers) -> None:
        """Let a request pass.

        Raises:
            ApiError: 403 for a Host or an Origin that is not the server's, 401 for a missing or wrong key.
        """
        self._check_place(headers.get("host", ""), headers.get("origin"))
        if self.key is not None:
            _check_key(headers.get("authorization", ""), self.key)

    def _check_place(self, host: str, origin: str | None) -> None:
        if not self._is_served(_without_port(host).lower()):
            raise ApiError(
                f"The Host header says {host!r}: only localhost, loopback addresses and the address that "
                "the server was started with (--host) are served.",
                status=403,
            )
        if origin is not None and origin.lower() != f"http://{host.lower()}":
            raise ApiError(f"Requests from the web page {origin!r} are refused.", status=403)

    def _is_served(self, name: str) -> bool:
        return self.host in EVERY_ADDRESS or name == self.host.lower() or is_loopback(name)


def is_loopback(host: str) -> bool:
    """Whether a name or address can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_key(authorization: str, key: str) -> None:
    """Compare in a time that does not tell how much of a key was right; the one given is never repeated."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        raise ApiError(
            "You didn't provide an API key. You need to provide your API key in an Authorization header "
            "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            status=401,
        )
    if not hmac.compare_digest(given.strip().encode(), key.encode()):
        raise ApiError(
            "Incorrect API key provided. The right one is that which this server was started with.",
            status=401,
            code="invalid_api_key",
        )


def _without_port(host: str) -> str:
    """Take the name or address out of a Host header, e.g. `[::1]:8000`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
