"""The cap on spending: what is under way counts as spent until it is known, in all processes of a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Protocol

from evalkit.errors import BudgetReached

Exact = Callable[[], float | None]
"""Counts what a request may cost at most, in USD; None where that cannot be told."""

POLL_S = 0.05
"""How often is looked whether another process has come to know what its requests cost."""


class _Amounts(Protocol):
    """A list, or one in memory that processes share: USD spent, USD reserved, requests under way."""

    def __getitem__(self, place: int, /) -> float: ...
    def __setitem__(self, place: int, amount: float, /) -> None: ...


SPENT, RESERVED, UNDER_WAY = range(3)


class Spending:
    """What is held back for one request, and what came of it, to be told before the reservation ends.

    Args:
        budget: of which it is a part.
        bound_usd, exact: what one try may cost, see `Budget.reserve`.

    Attributes:
        usd: what the answer cost; None counts nothing: there was none, or its price is unknown.
        possibly_billed: tries since the last `again` that brought no whole answer though the server may have
            charged them, and answers that do not say what they took: each counts as much as one may cost.
    """

    def __init__(self, budget: Budget, bound_usd: float | None, exact: Exact | None):
        self._budget, self._bound_usd, self._exact = budget, bound_usd, exact
        self._held_usd: float | None = None
        self.usd: float | None = None
        self.possibly_billed = 0

    async def hold(self) -> None:
        """Hold back what one try may cost.

        Raises:
            BudgetReached: it could pass the cap, whatever becomes of what is under way.
        """
        self._held_usd = await self._budget.held(self._bound_usd or 0.0, self._exact)

    async def again(self) -> bool:
        """Count a try that may have been charged, and hold back for another; False where the cap forbids."""
        self.possibly_billed += 1
        self.end()
        try:
            await self.hold()
        except BudgetReached:
            return False
        return True

    def end(self) -> None:
        """Count what was spent in place of what was held back."""
        if self._held_usd is None:
            return
        lost = self.possibly_billed and self.possibly_billed * _least(self._bound_usd, self._exact)
        self._budget.settle(self._held_usd, (self.usd or 0.0) + lost)
        self._held_usd, self.possibly_billed = None, 0


class Budget:
    """Keeps reserved plus spent under a cap.

    Args:
        cap_usd: the most that may be spent in this session; None sets no cap.
        shared: whether it goes to further processes, as an argument with which they are started (`spawn`).
    """

    def __init__(self, cap_usd: float | None, *, shared: bool = False):
        self.cap_usd, self._shared = cap_usd, shared
        self._amounts: _Amounts = [0.0, 0.0, 0.0]
        self._lock: AbstractContextManager[object] = nullcontext()
        if shared:
            import multiprocessing  # for those who share

            context = multiprocessing.get_context("spawn")
            self._amounts, self._lock = context.RawArray("d", 3), context.Lock()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def spent_usd(self) -> float:
        """What is known to be spent, by all processes."""
        return self._amounts[SPENT]

    @asynccontextmanager
    async def reserve(self, most_usd: float | None, exact: Exact | None = None) -> AsyncIterator[Spending]:
        """Hold back what a request may cost while it is under way; the caller tells what it did cost.

        Waits where what is under way has to end first.

        Args:
            most_usd: a bound that is quick to tell; None where the price is unknown: nothing is held back.
            exact: what the request may cost at most, counted; asked only where the bound would pass the cap.

        Raises:
            BudgetReached: it could pass the cap, whatever becomes of what is under way.
        """
        spending = Spending(self, most_usd, exact)
        await spending.hold()
        try:
            yield spending
        finally:
            spending.end()

    async def held(self, usd: float, exact: Exact | None) -> float:
        """Wait until so much, or else the exact amount, can be held back; gives which it was.

        Raises:
            BudgetReached: as `reserve`.
        """
        if self._take(usd):
            return usd
        usd = _least(usd, exact)
        while not self._take(usd):
            if self.spent_usd + usd > (self.cap_usd or 0.0):
                raise BudgetReached(
                    f"${self.spent_usd:.2f} spent; the next request could cost ${usd:.4f}, "
                    f"and --max-cost is {self.cap_usd:.2f}"
                )
            await self._change()
        return usd

    def _take(self, usd: float) -> bool:
        amounts = self._amounts
        with self._lock:
            passes = amounts[SPENT] + amounts[RESERVED] + usd > (self.cap_usd or 0.0)
            if usd > 0 and self.cap_usd is not None and passes:
                return False
            amounts[RESERVED] += usd
            amounts[UNDER_WAY] += 1
            return True

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Give back what was held back, and count what was spent."""
        amounts = self._amounts
        with self._lock:
            amounts[SPENT] += spent_usd
            amounts[UNDER_WAY] -= 1  # after the last, sums of floats would leave a little over
            amounts[RESERVED] = amounts[RESERVED] - reserved_usd if amounts[UNDER_WAY] else 0.0
        waiting, self._waiting = self._waiting, []
        for place in waiting:
            if not place.done():
                place.set_result(None)

    async def _change(self) -> None:
        """Wait until something under way has ended, here or in another process."""
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        await asyncio.wait([place], timeout=POLL_S if self._shared else None)


def _least(bound_usd: float | None, exact: Exact | None) -> float:
    counted = exact() if exact else None
    return (bound_usd or 0.0) if counted is None else counted
