"""One request -> one answer: out of the cache, or from the endpoint under the budget, with retries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

from evalkit.endpoints.base import Request, Response
from evalkit.endpoints.retry import Patience, RetryPolicy, ask_patiently
from evalkit.errors import AskError
from evalkit.prices import Price, cost, price_of
from evalkit.run.budget import Budget
from evalkit.run.cache import Asked, Cache, Kept
from evalkit.run.connect import Connection
from evalkit.run.estimate import reserved_usd


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request. Either `response` or `error` is None.

    `cost_usd` and `at` (UTC, ISO 8601) of a cached answer are those of when it first came.
    """

    response: Response | None
    error: AskError | None
    cost_usd: float | None
    cached: bool
    attempts: int
    at: str


class Asker:
    """Asks any endpoint of the run; errors are answers here, and are never kept.

    Args:
        connections: the open endpoints, by name.
        cache: None asks anew and keeps nothing.
        budget: shared by models and judges.
        prices: the user's own.
        note: told of long waits.
        policy: how often a request is tried.
    """

    def __init__(
        self,
        connections: Mapping[str, Connection],
        cache: Cache | None,
        budget: Budget,
        prices: Iterable[Price],
        note: Callable[[str], None],
        policy: RetryPolicy | None = None,
    ):
        self._connections, self._cache, self._budget = connections, cache, budget
        self._prices, self._note, self._policy = tuple(prices), note, policy or RetryPolicy()
        self._patience = {name: Patience(connection.fresh) for name, connection in connections.items()}
        self._gates = {
            name: asyncio.Semaphore(connection.settings.max_concurrency)
            for name, connection in connections.items()
            if connection.settings.max_concurrency
        }

    async def ask(self, request: Request, endpoint: str, repeat: int = 0) -> Answer:
        """Answer `request`; what came is in the cache before it is returned.

        Raises:
            BudgetReached: asking could pass the cap on spending.
            StorageError: the cache cannot be used.
        """
        connection = self._connections[endpoint]
        fingerprint = connection.fingerprints.get(request.model)
        key = Asked(connection.address, fingerprint, request, repeat).key
        kept = self._cache.get(key) if self._cache else None
        if kept:
            return Answer(kept.response, None, kept.cost_usd, True, kept.attempts, kept.at)
        async with self._gate(endpoint):
            answer = await self._ask_anew(request, connection)
        if self._cache and answer.response:
            self._cache.put(key, Kept(answer.response, answer.cost_usd, answer.attempts, answer.at))
        return answer

    async def _ask_anew(self, request: Request, connection: Connection) -> Answer:
        price = price_of(request.model, connection.settings.name, self._prices)
        with self._budget.reserve(reserved_usd(request, price)) as spending:
            patience = self._patience[connection.settings.name]
            tried = await ask_patiently(connection.endpoint, request, self._policy, self._note, patience)
            spending.usd = cost(price, tried.response.usage) if tried.response else None
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        return Answer(tried.response, tried.error, spending.usd, False, tried.attempts, at)

    def _gate(self, endpoint: str) -> AbstractAsyncContextManager[None]:
        """Holds requests back where the endpoint takes only so many at once."""
        gate = self._gates.get(endpoint)
        return gate if gate else nullcontext()
