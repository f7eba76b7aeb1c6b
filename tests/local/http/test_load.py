"""How much is under way at once, and how bodies are read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from starlette.types import Message

from evalkit.local.http.errors import ApiError
from evalkit.local.http.load import MOST_BYTES, MOST_REQUESTS, Body, Load


def test_too_much_at_once_is_refused() -> None:
    """Too many requests, or too large ones together: 503 with the time to come again."""
    load = Load()
    load.check()
    for name, most in (("requests", MOST_REQUESTS), ("bytes", MOST_BYTES)):
        setattr(load, name, most)
        with pytest.raises(ApiError, match="overloaded") as refusal:
            load.check()
        assert (refusal.value.status, refusal.value.type) == (503, "server_error")
        assert refusal.value.headers is not None
        assert refusal.value.headers["retry-after"] == "1"
        setattr(load, name, 0)


def read(parts: Sequence[bytes], largest: int, load: Load | None) -> Body:
    """Receive a body to its end, part by part."""

    async def receive_all() -> Body:
        messages = iter(parts)
        more = len(parts)

        async def receive() -> Message:
            nonlocal more
            more -= 1
            return {"type": "http.request", "body": next(messages), "more_body": more > 0}

        body = Body(receive, largest, load)
        for _ in parts:
            await body()
        return body

    return asyncio.run(receive_all())


def test_what_a_body_holds_is_counted_until_it_is_answered() -> None:
    """Its bytes are in memory while the request is under way, and no longer."""
    load = Load()
    body = read([b"abc", b"de"], 100, load)
    assert load.bytes == 5
    body.release()
    assert load.bytes == 0


def test_a_body_that_grows_too_large_is_refused() -> None:
    """However it is cut, it ends at the limit: 413, and the connection is closed."""
    read([b"x" * 50] * 2, 100, None)
    with pytest.raises(ApiError, match="larger than 100 bytes") as refusal:
        read([b"x" * 50] * 3, 100, None)
    assert refusal.value.status == 413
    assert refusal.value.headers == {"connection": "close"}
