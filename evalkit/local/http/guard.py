"""What every request passes before a handler sees it, and the headers that every answer gets."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evalkit.local.http.access import Access
from evalkit.local.http.errors import ApiError
from evalkit.local.http.limits import RateLimits, Rates
from evalkit.local.http.linger import lingering
from evalkit.local.http.load import Body, Load, check_size

LARGEST_JSON = 4 * 2**20  # bytes
LARGEST_UPLOAD = 512 * 2**20 + 2**16  # OpenAI's limit for a file, and the form around it
UPLOADS = "/v1/files"
LIMITED = ("/v1/chat/completions", "/v1/completions", "/v1/responses")
API_VERSION = "2020-10-01"  # OpenAI's, which it has sent ever since


class Guard:
    """Wraps the application.

    Args:
        app: what answers.
        access: who may ask.
        rates: how often the paths of LIMITED may be asked.
    """

    def __init__(self, app: ASGIApp, access: Access, rates: Rates):
        self._app, self._access = app, access
        self._limits, self._load = RateLimits(rates), Load()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limited = scope["method"] == "POST" and scope["path"] in LIMITED
        marked = _marked(lingering(receive, send), self._limits.headers if limited else dict)
        try:
            self._check(scope, limited=limited)
        except ApiError as refusal:
            await refusal.answer()(scope, receive, marked)
        else:
            await self._answer(scope, receive, marked)

    def _check(self, scope: Scope, *, limited: bool) -> None:
        """Raise ApiError where a request may not pass."""
        headers = Headers(scope=scope)
        self._access.check(headers)
        self._load.check()
        length = _length(headers)
        check_size(length or 0, _largest(scope))
        if limited:
            self._limits.admit(LARGEST_JSON if length is None else length)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = Body(receive, _largest(scope), None if scope["path"] == UPLOADS else self._load)
        self._load.requests += 1
        try:
            await self._app(scope, body, send)
        finally:
            self._load.requests -= 1
            body.release()


def _largest(scope: Scope) -> int:
    return LARGEST_UPLOAD if scope["path"] == UPLOADS else LARGEST_JSON


def _length(headers: Headers) -> int | None:
    """Read how long the body says it is; None where it comes in chunks without saying so."""
    if "transfer-encoding" in headers:
        return None
    return int(headers.get("content-length", "0"))  # h11 has refused what is no number of up to 20 digits


def _marked(send: Send, limits: Callable[[], Mapping[str, str]]) -> Send:
    """Put an id of its own, the time it took, and what is left of the limits on an answer."""
    began, request_id = time.monotonic(), f"req_{uuid.uuid4().hex}"

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            took_ms = round((time.monotonic() - began) * 1000)
            headers = MutableHeaders(scope=message)
            headers.update(
                {
                    "x-request-id": request_id,
                    "openai-version": API_VERSION,
                    "openai-processing-ms": str(took_ms),
                    **limits(),
                }
            )
        await send(message)

    return marked
