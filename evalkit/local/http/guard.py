"""What every request passes before a handler sees it: who may ask, how much may be sent, which id it gets.

A page in a browser on this machine can reach a loopback server. It is kept out by two rules: the Host must be
a loopback name (a page that rebinds its own name to 127.0.0.1 still says its name), and an Origin must be the
server's own. No CORS header is ever sent.
"""

from __future__ import annotations

import ipaddress
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evalkit.local.http.errors import ApiError

LARGEST_JSON = 4 * 2**20  # bytes
LARGEST_UPLOAD = 512 * 2**20 + 2**16  # OpenAI's limit for a file, and the form around it


class Guard:
    """Wraps the application."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        largest = LARGEST_UPLOAD if scope["path"] == "/v1/files" else LARGEST_JSON
        marked = _with_request_id(send)
        refusal = _refusal(headers, largest)
        if refusal is None:
            await self._app(scope, _bounded(receive, largest), marked)
        else:
            await refusal.answer()(scope, receive, marked)


def is_loopback(host: str) -> bool:
    """Whether a name or address can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(headers: Headers, largest: int) -> ApiError | None:
    host, origin = headers.get("host", ""), headers.get("origin")
    if not is_loopback(_without_port(host).lower()):
        return ApiError(
            f"The Host header says {host!r}: only localhost and loopback addresses are served.", status=403
        )
    if origin is not None and origin.lower() != f"http://{host.lower()}":
        return ApiError(f"Requests from the web page {origin!r} are refused.", status=403)
    length = headers.get("content-length", "0")
    return _too_large(largest) if length.isdigit() and int(length) > largest else None


def _without_port(host: str) -> str:
    """Take the name or address out of a Host header, e.g. `[::1]:8000`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _too_large(largest: int) -> ApiError:
    return ApiError(
        f"The request's body is larger than {largest} bytes.", status=413, code="request_too_large"
    )


def _bounded(receive: Receive, largest: int) -> Receive:
    """Stop reading a body that does not say how long it is, once it is too long."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > largest:
            raise _too_large(largest)
        return message

    return counted


def _with_request_id(send: Send) -> Send:
    """Put an `x-request-id` on the answer."""
    request_id = f"req_{uuid.uuid4().hex}"

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["x-request-id"] = request_id
        await send(message)

    return marked
