"""Our own retries: counted, with jittered backoff, and as patient as the server asks."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from evalkit.endpoints import dropped
from evalkit.endpoints.base import Endpoint, Request, Response
from evalkit.endpoints.dropped import Dropped
from evalkit.errors import AskError

SHOWN_WAIT_S = 10.0
"""Waits from this length on are told: a silent run looks like a hanging one."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is tried, and how long is waited in between.

    After try n the wait is drawn from the upper half of `first_wait_s` x 2^(n-1), at most `longest_wait_s`.
    A server's Retry-After is honoured however long it is, with up to a tenth more so that not all come back
    at once; one that is shorter than the first wait, or a date in the past, does not shorten it.
    """

    attempts: int = 5
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0

    def wait_s(self, attempt: int, asked_s: float | None) -> float:
        """Seconds to wait after try `attempt` (from 1), where the server asked for `asked_s`, or None."""
        if asked_s:
            return max(asked_s * random.uniform(1.0, 1.1), self._own_s(1))
        return self._own_s(attempt)

    def _own_s(self, attempt: int) -> float:
        longest_s = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (attempt - 1))
        return longest_s * random.uniform(0.5, 1.0)


READY_WITHIN_S = 600.0
"""How long a model that was just made is waited for: OpenAI's take minutes."""


class Patience:
    """Models that may have been made a moment ago, and until when each is waited for.

    The time runs from a model's first fault, for all requests together; once it has answered it is a model
    like any other.

    Args:
        fresh: names of models. Every other model's faults are what they seem.
        within_s: seconds that each is waited for.
    """

    def __init__(self, fresh: Iterable[str] = (), within_s: float = READY_WITHIN_S):
        self._fresh, self._within_s = set(fresh), within_s
        self._until: dict[str, float] = {}

    def waits_for(self, model: str, error: AskError, note: Callable[[str], None]) -> bool:
        """Whether to try again after `error`; the first time, that is told to `note`."""
        if model not in self._fresh or not _not_ready(error):
            return False
        if model not in self._until:
            self._until[model] = time.monotonic() + self._within_s
            note(
                f"{model} was just made and is not ready ({error.type}): waiting up to {self._within_s:.0f} s"
            )
        return time.monotonic() < self._until[model]

    def answered(self, model: str) -> None:
        """It is ready."""
        self._fresh.discard(model)


@dataclass(frozen=True, slots=True)
class Attempted:
    """What came of a request after all its tries: a response, or the error of the last try.

    `possibly_billed`: how many of the tries brought no whole answer, though the server may have charged them.
    """

    response: Response | None
    error: AskError | None
    attempts: int
    possibly_billed: int = 0


async def ask_patiently(
    endpoint: Endpoint,
    request: Request,
    policy: RetryPolicy,
    note: Callable[[str], None],
    patience: Patience | None = None,
    again: Callable[[], Awaitable[bool]] | None = None,
) -> Attempted:
    """Ask until an answer comes, an error that a second try will not mend, or the tries are used up.

    A model for which `patience` waits is tried until its time is up, however many tries that takes.
    `response.latency_ms` is the last try's. Long waits are told to `note`. Where a try may have been charged,
    `again` is asked whether there is money for another one.
    """
    patience = patience or Patience()
    attempt = possibly_billed = 0
    try:
        while True:
            attempt += 1
            try:
                response = await endpoint.ask(request)
            except AskError as error:
                possibly_billed += error.possibly_billed
                waits = patience.waits_for(request.model, error, note)
                if not waits and (not error.retryable or attempt >= policy.attempts):
                    return Attempted(None, error, attempt, possibly_billed)
                if again and error.possibly_billed and not await again():
                    return Attempted(None, error, attempt, possibly_billed)
                wait_s = policy.wait_s(attempt, error.retry_after_s)
                if wait_s >= SHOWN_WAIT_S and not waits:
                    note(f"{endpoint.name}: {error.type}; trying again in {wait_s:.0f} s")
            else:
                patience.answered(request.model)
                return Attempted(response, None, attempt, possibly_billed)
            await asyncio.sleep(wait_s)
    except asyncio.CancelledError as cancelled:
        lost = possibly_billed + (dropped.told(cancelled) is not None)
        if lost:
            dropped.tell(cancelled, Dropped(attempt, lost))
        raise


def _not_ready(error: AskError) -> bool:
    """Whether a model that was made a moment ago may be the reason: it is not found everywhere at once, or
    is still being loaded."""
    missing = error.status == 404 and error.type in ("model_not_found", "not_found")
    return missing or error.status == 503 or error.type == "timeout"
