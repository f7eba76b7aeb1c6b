"""The cap on spending: what is under way counts as spent until it is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from evalkit.errors import BudgetReached


@dataclass(slots=True)
class Spending:
    """What one request has cost, once that is known; None counts nothing."""

    usd: float | None


class Budget:
    """Keeps reserved plus spent under a cap.

    Args:
        cap_usd: the most that may be spent in this session; None sets no cap.
    """

    def __init__(self, cap_usd: float | None):
        self.cap_usd, self.spent_usd = cap_usd, 0.0
        self._reserved_usd = 0.0

    @contextmanager
    def reserve(self, expected_usd: float | None) -> Iterator[Spending]:
        """Hold back `expected_usd` while a request is under way; the caller sets `usd` to what it did cost.

        Raises:
            BudgetReached: this request could pass the cap.
        """
        expected = expected_usd or 0.0
        after = self.spent_usd + self._reserved_usd + expected
        if self.cap_usd is not None and after > self.cap_usd and expected > 0:
            raise BudgetReached(
                f"${self.spent_usd:.2f} spent, ${self._reserved_usd:.2f} under way; the next request could "
                f"cost ${expected:.4f}, and --max-cost is {self.cap_usd:.2f}"
            )
        self._reserved_usd += expected
        spending = Spending(None)
        try:
            yield spending
        finally:
            self._reserved_usd -= expected
            self.spent_usd += spending.usd or 0.0
