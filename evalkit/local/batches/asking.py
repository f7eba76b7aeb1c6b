"""Asking the application itself, without a socket: batches are answered by the handlers of all."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx2
from starlette.types import ASGIApp

from evalkit.local.http.errors import server_error
from evalkit.local.http.json_response import encoded
from evalkit.local.rows import new_id

log = logging.getLogger("evalkit.local")
Ask = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Asks a path with a body; gives the `response` of a batch's line: {status_code, request_id, body}."""


def asking(app: ASGIApp) -> Ask:
    """Give what asks this application; keys and rate limits are not met on this way."""
    transport = httpx2.ASGITransport(app=app)
    client = httpx2.AsyncClient(transport=transport, base_url="http://localhost", timeout=None)

    async def ask(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer = await client.post(path, content=encoded(body))
            status, content = answer.status_code, answer.json()
        except Exception:
            log.exception("a batch's request broke")
            status, content = (
                500,
                server_error("The server had an error while processing your request.").body(),
            )
        return {"status_code": status, "request_id": new_id("req_"), "body": content}

    return ask
