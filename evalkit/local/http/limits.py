"""How often may be asked: a budget of requests and one of tokens, told in OpenAI's x-ratelimit headers.

Tokens are estimated from the request before it is read: one for every four bytes of its body.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from evalkit.local.http.errors import ApiError

BYTES_PER_TOKEN = 4
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Rates:
    """What may be asked in a minute. The defaults are more than this server can answer."""

    requests: int = 60_000
    tokens: int = 150_000_000


GENEROUS = Rates()


class RateLimits:
    """Counts what is asked against the rates.

    Args:
        rates: of all clients together: they have one key, or none.
        clock: seconds, from any beginning.
    """

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic):
        self._requests = _Bucket("requests", "RPM", rates.requests, clock)
        self._tokens = _Bucket("tokens", "TPM", rates.tokens, clock)

    def admit(self, body_bytes: int) -> None:
        """Take one request out of the budgets.

        Raises:
            ApiError: one of them is used up (429); it says when to come again.
        """
        asked = ((self._requests, 1), (self._tokens, math.ceil(body_bytes / BYTES_PER_TOKEN)))
        for bucket, amount in asked:
            bucket.check(amount)
        for bucket, amount in asked:
            bucket.take(amount)

    def headers(self) -> dict[str, str]:
        """Give what is left, as OpenAI's headers."""
        return self._requests.headers() | self._tokens.headers()


class _Bucket:
    """A budget that starts full and fills up steadily, `limit` a minute."""

    def __init__(self, kind: str, short: str, limit: int, clock: Callable[[], float]):
        self._kind, self._short, self._limit, self._clock = kind, short, limit, clock
        self._left, self._at = float(limit), clock()

    def take(self, amount: int) -> None:
        self._left = self._now() - amount
        self._at = self._clock()

    def check(self, amount: int) -> None:
        """Raise ApiError where there is less than this left."""
        left = self._now()
        if amount <= left:
            return
        figures = f"Limit {self._limit}, Used {math.ceil(self._limit - left)}, Requested {amount}."
        if amount > self._limit:
            raise ApiError(
                f"Request too large on {self._kind} per min ({self._short}): {figures} It must be smaller.",
                status=429,
                type=self._kind,
                code="rate_limit_exceeded",
                headers={"x-should-retry": "false"},
            )
        wait = self._fills_in(amount - left)
        raise ApiError(
            f"Rate limit reached on {self._kind} per min ({self._short}): {figures} "
            f"Please try again in {duration(wait)}.",
            status=429,
            type=self._kind,
            code="rate_limit_exceeded",
            headers={"retry-after": str(math.ceil(wait)), "retry-after-ms": str(math.ceil(wait * 1000))},
        )

    def headers(self) -> dict[str, str]:
        left = self._now()
        return {
            f"x-ratelimit-limit-{self._kind}": str(self._limit),
            f"x-ratelimit-remaining-{self._kind}": str(int(left)),
            f"x-ratelimit-reset-{self._kind}": duration(self._fills_in(self._limit - left)),
        }

    def _now(self) -> float:
        filled = (self._clock() - self._at) * self._limit / MINUTE
        return min(self._left + filled, float(self._limit))

    def _fills_in(self, amount: float) -> float:
        return amount * MINUTE / self._limit


def duration(seconds: float) -> str:
    """Write a time as OpenAI's headers do: `0s`, `20ms`, `1.5s`, `6m0s`."""
    milliseconds = math.ceil(seconds * 1000)
    if 0 < milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes}m{rest / 1000:g}s" if minutes else f"{rest / 1000:g}s"
