"""One request -> one answer: out of the cache, or from the endpoint under the budget, with retries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from evalkit.endpoints.base import Request, Response
from evalkit.endpoints.dropped import Dropped
from evalkit.endpoints.retry import Patience, RetryPolicy, ask_patiently
from evalkit.errors import AskError
from evalkit.prices import Price, cost, price_of
from evalkit.run.budget import Budget
from evalkit.run.cache import Asked, Cache, Kept
from evalkit.run.connect import Connection
from evalkit.run.estimate import bound_usd, reserved_usd


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request. Either `response` or `error` is None.

    `cost_usd` and `at` (UTC, ISO 8601) of a cached answer are those of when it first came.
    `possibly_billed`: how many attempts brought no whole answer, though the endpoint may have charged them.
    """

    response: Response | None
    error: AskError | None
    cost_usd: float | None
    cached: bool
    attempts: int
    at: str
    possibly_billed: int = 0


def dropped_answer(lost: Dropped) -> Answer:
    """What is known of a request that was let go of while it was under way."""
    error = AskError("dropped", "let go of while it was under way, when the run was interrupted")
    return Answer(None, error, None, False, lost.attempts, _now(), lost.possibly_billed)


class Asker:
    """Asks any endpoint of the run; errors are answers here, and are never kept.

    Args:
        connections: the open endpoints, by name.
        cache: None asks anew and keeps nothing.
        budget: shared by models and judges.
        prices: the user's own.
        note: told of long waits, and of endpoints that are not asked any more.
        policy: how often a request is tried.

    Attributes:
        kept: called whenever an answer has been put into the cache, which must be flushed soon.
        closed: endpoints that would refuse all further requests, by name, with the error that said so.
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
        self.kept: Callable[[], None] = lambda: None
        self.closed: dict[str, AskError] = {}

    async def ask(self, request: Request, endpoint: str, repeat: int = 0) -> Answer:
        """Answer `request`; what came is with the cache before it is returned.

        Raises:
            BudgetReached: asking could pass the cap on spending.
            StorageError: the cache cannot be used.
        """
        connection = self._connections[endpoint]
        if self._cache is None:
            return await self._ask_anew(request, connection)
        fingerprint = connection.fingerprints.get(request.model)
        key = Asked(connection.address, fingerprint, request, repeat).key
        if kept := self._cache.get(key):
            return Answer(
                kept.response, None, kept.cost_usd, True, kept.attempts, kept.at, kept.possibly_billed
            )
        answer = await self._ask_anew(request, connection)
        if answer.response:
            paid = (answer.cost_usd, answer.attempts, answer.at, answer.possibly_billed)
            self._cache.put(key, Kept(answer.response, *paid))
            self.kept()
        return answer

    def flush(self) -> None:
        """Have the cache on disk.

        Raises:
            StorageError: it cannot be written.
        """
        if self._cache:
            self._cache.flush()

    async def _ask_anew(self, request: Request, connection: Connection) -> Answer:
        name = connection.settings.name
        if name in self.closed:
            return Answer(None, self.closed[name], None, False, 0, _now())
        price = price_of(request.model, name, self._prices)
        most_usd = bound_usd(request, price)
        async with self._budget.reserve(most_usd, lambda: reserved_usd(request, price)) as spending:
            tried = await ask_patiently(
                connection.endpoint, request, self._policy, self._note, self._patience[name], spending.again
            )
            usd = spending.usd = cost(price, tried.response.usage) if tried.response else None
            spending.possibly_billed = int(tried.error.possibly_billed if tried.error else usd is None)
        if tried.error and tried.error.fatal:
            self._close(name, tried.error)
        return Answer(
            tried.response,
            tried.error,
            usd,
            False,
            tried.attempts,
            _now(),
            tried.possibly_billed,
        )

    def _close(self, name: str, error: AskError) -> None:
        """Ask an endpoint nothing more: every answer would be the same refusal."""
        if name not in self.closed:
            self.closed[name] = error
            key = self._connections[name].settings.api_key_env or "its key (none is configured: api_key_env)"
            remedy = "add credit to the account" if error.type == "insufficient_quota" else f"look at {key}"
            self._note(f"{name} is not asked any more: {error}; {remedy}, then go on with --resume")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
