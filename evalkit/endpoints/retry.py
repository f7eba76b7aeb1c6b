"""Our own retries: counted, with jittered backoff, and as patient as the server asks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from evalkit.endpoints.base import Endpoint, Request, Response
from evalkit.errors import AskError

SHOWN_WAIT_S = 10.0
"""Waits from this length on are told: a silent run looks like a hanging one."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is tried, and how long is waited in between.

    After try n the wait is drawn from the upper half of `first_wait_s` x 2^(n-1), at most `longest_wait_s`.
    A server's Retry-After is honoured however long it is, with up to a tenth more so that not all come back
    at once.
    """

    attempts: int = 5
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0

    def wait_s(self, attempt: int, asked_s: float | None) -> float:
        """Seconds to wait after try `attempt` (from 1), where the server asked for `asked_s`, or None."""
        if asked_s is not None:
            return asked_s * random.uniform(1.0, 1.1)
        longest_s = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (attempt - 1))
        return longest_s * random.uniform(0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Attempted:
    """What came of a request after all its tries: a response, or the error of the last try."""

    response: Response | None
    error: AskError | None
    attempts: int


async def ask_patiently(
    endpoint: Endpoint, request: Request, policy: RetryPolicy, note: Callable[[str], None]
) -> Attempted:
    """Ask until an answer comes, an error that a second try will not mend, or the tries are used up.

    `response.latency_ms` is the last try's. Long waits are told to `note`.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return Attempted(await endpoint.ask(request), None, attempt)
        except AskError as error:
            if not error.retryable or attempt == policy.attempts:
                return Attempted(None, error, attempt)
            wait_s = policy.wait_s(attempt, error.retry_after_s)
            if wait_s >= SHOWN_WAIT_S:
                note(f"{endpoint.name}: {error.type}; trying again in {wait_s:.0f} s")
        await asyncio.sleep(wait_s)
