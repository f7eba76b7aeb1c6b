"""Answers that come before the request has been read whole.

A connection that is closed on unread bytes is reset, and the client never sees why. So behind an answer that
ends the connection, what the client still sends is read and thrown away for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.types import Message, Receive, Send

LINGER_S = 2.0


def lingering(receive: Receive, send: Send) -> Send:
    """Give a `send` that lingers before the end of an answer with `connection: close`."""
    closes = False

    async def lingered(message: Message) -> None:
        nonlocal closes
        if message["type"] == "http.response.start":
            closes = _closes(message["headers"])
        if not closes or message["type"] != "http.response.body" or message.get("more_body"):
            await send(message)
            return
        await send({**message, "more_body": True})
        await _thrown_away(receive)
        await send({"type": "http.response.body"})

    return lingered


def _closes(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    return any(name.lower() == b"connection" and value.lower() == b"close" for name, value in headers)


async def _thrown_away(receive: Receive) -> None:
    """Read until the request ends, the client leaves, or the time is over."""
    try:
        async with asyncio.timeout(LINGER_S):
            while (await receive()).get("more_body"):
                pass
    except TimeoutError:
        pass
