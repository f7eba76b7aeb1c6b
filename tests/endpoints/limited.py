"""Limits as servers enforce them, on a clock that is given; and an event loop whose clock does not wait."""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, Literal, Protocol, TypeVar

T = TypeVar("T")

Tells = Literal["headers", "retry-after", "nothing"]
"""What a server tells of its limit: OpenAI's headers, Retry-After with a 429, or nothing."""


class Limit(Protocol):
    """Lets through or refuses; times in seconds, of any clock."""

    def take(self, now: float) -> bool:
        """Whether one more request is let through."""
        ...

    def headers(self, now: float, /) -> Mapping[str, str]:
        """OpenAI's, as they stand after that request."""
        ...

    def opens_in_s(self, now: float, /) -> float:
        """Until when all would be refused, from now."""
        ...

    def let_through(self, seconds: float) -> float:
        """The most that it allows in so many seconds once it is used up."""
        ...


def told(limit: float, left: float, reset_s: float) -> dict[str, str]:
    """OpenAI's headers."""
    named = {"limit": f"{limit:.0f}", "remaining": f"{int(left)}", "reset": f"{round(reset_s * 1000)}ms"}
    return {f"x-ratelimit-{name}-requests": text for name, text in named.items()}


class Bucket:
    """Refills steadily: `per_s` a second, up to `burst`."""

    def __init__(self, per_s: float, burst: float):
        self.per_s, self.burst = per_s, burst
        self._left, self._at = burst, -math.inf

    def take(self, now: float) -> bool:
        """Whether one is left."""
        refilled = self._left + (now - self._at) * self.per_s if self._at > -math.inf else self.burst
        self._left, self._at = min(self.burst, refilled), now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def headers(self, _: float) -> Mapping[str, str]:
        """Full again when all has been refilled."""
        return told(self.burst, self._left, (self.burst - self._left) / self.per_s)

    def opens_in_s(self, _: float) -> float:
        """Until one has been refilled."""
        return (1 - self._left) / self.per_s

    def let_through(self, seconds: float) -> float:
        """What comes in."""
        return self.per_s * seconds


class Window:
    """So many in each window of time: all are there again when the next one begins."""

    def __init__(self, per_s: float, seconds: float):
        self.per_s, self.seconds, self.size = per_s, seconds, round(per_s * seconds)
        self._number, self._taken = -1, 0

    def take(self, now: float) -> bool:
        """Whether one is left."""
        if int(now / self.seconds) != self._number:
            self._number, self._taken = int(now / self.seconds), 0
        self._taken += 1
        return self._taken <= self.size

    def headers(self, now: float) -> Mapping[str, str]:
        """Full again when the window ends."""
        return told(self.size, max(0, self.size - self._taken), self.opens_in_s(now))

    def opens_in_s(self, now: float) -> float:
        """Until the window ends."""
        return (self._number + 1) * self.seconds - now

    def let_through(self, seconds: float) -> float:
        """All of every window."""
        return self.per_s * seconds


class AtOnce:
    """Bears so many requests under way, each of which takes `service_s`."""

    def __init__(self, most: int, service_s: float):
        self.most, self.service_s = most, service_s
        self._ends: list[float] = []

    def take(self, now: float) -> bool:
        """Whether a place is free."""
        self._ends = [end for end in self._ends if end > now]
        if len(self._ends) >= self.most:
            return False
        self._ends.append(now + self.service_s)
        return True

    def headers(self, _: float) -> Mapping[str, str]:
        """None tell of it."""
        return {}

    def opens_in_s(self, now: float) -> float:
        """Until the first is done."""
        return min(self._ends) - now

    def let_through(self, seconds: float) -> float:
        """With all places taken all the time."""
        return self.most / self.service_s * seconds


class _Leaping(selectors.SelectSelector):
    """Waits for nothing: the time that it would have waited is over at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """What is ready already."""
        self.now += max(timeout or 0.0, 0.0)
        return super().select(0)


class _LeapingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        """Seconds since the loop was made, of its own clock."""
        return self._leaping.now


def leap(work: Coroutine[Any, Any, T]) -> T:
    """Run on a loop whose clock leaps over every wait: always with the same course, and in no time."""
    with asyncio.Runner(loop_factory=_LeapingLoop) as runner:
        return runner.run(work)
