"""How many requests one endpoint is sent at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager


class Turn:
    """One request under way."""

    def heard(self, headers: Mapping[str, str]) -> None:
        """An HTTP answer came."""

    def refused(self, retry_after_s: float | None) -> None:
        """It was a 429."""


class Throttle:
    """Holds requests back where an endpoint takes only so many."""

    def __init__(self, most: int | None = None):
        self._places = asyncio.Semaphore(most) if most else None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Wait for a place, and hold it."""
        if self._places is None:
            yield Turn()
        else:
            async with self._places:
                yield Turn()
