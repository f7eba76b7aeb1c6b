"""How much is under way at once: bodies are read within bounds of size, time and memory."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive

from evalkit.local.http.errors import ApiError

MOST_REQUESTS = 1000  # under way at once
MOST_BYTES = 256 * 2**20  # of their bodies, those of uploads aside, which go to the disk as they come
PATIENCE_S = 10.0  # for a body to come,
LEAST_SPEED = 10_000  # and a second more for so many bytes that have come
END = {"connection": "close"}  # the rest of the body would come as the next request


class Load:
    """The requests under way, and what they hold in memory."""

    def __init__(self) -> None:
        self.requests = 0
        self.bytes = 0

    def check(self) -> None:
        """Let one more request in.

        Raises:
            ApiError: there are too many (503).
        """
        if self.requests >= MOST_REQUESTS or self.bytes >= MOST_BYTES:
            raise ApiError(
                "The engine is currently overloaded, please try again later.",
                status=503,
                type="server_error",
                code="server_overloaded",
                headers={"retry-after": "1", **END},
            )


class Body:
    """Receives one request's body; in place of the server's own `receive`.

    Args:
        receive: the server's.
        largest: bytes it may have.
        load: is told what is held in memory; None where nothing is.
    """

    def __init__(self, receive: Receive, largest: int, load: Load | None):
        self._receive, self._largest, self._load = receive, largest, load
        self._began, self._received, self._whole = asyncio.get_running_loop().time(), 0, False

    async def __call__(self) -> Message:
        """Give the next part; behind the last one, wait for the client to leave, however long.

        Raises:
            ApiError: the body is too large (413), or comes too slowly (408).
        """
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._began + PATIENCE_S + self._received / LEAST_SPEED):
                message = await self._receive()
        except TimeoutError:
            raise ApiError(
                f"The request's body did not come in time: {self._received} bytes of it did.",
                status=408,
                code="request_timeout",
                headers=END,
            ) from None
        self._count(len(message.get("body", b"")))
        self._whole = not message.get("more_body", False)
        return message

    def release(self) -> None:
        """The request is answered: nothing of it is held any longer."""
        if self._load:
            self._load.bytes -= self._received

    def _count(self, size: int) -> None:
        self._received += size
        if self._load:
            self._load.bytes += size
        check_size(self._received, self._largest)


def check_size(size: int, largest: int) -> None:
    """Raise ApiError (413) where a body is larger than it may be."""
    if size > largest:
        raise ApiError(
            f"The request's body is larger than {largest} bytes.",
            status=413,
            code="request_too_large",
            headers=END,
        )
