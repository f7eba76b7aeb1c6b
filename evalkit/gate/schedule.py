"""Looks that are planned before the first one is taken."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from evalkit.stats.spending import levels, spent

SHARES = (0.25, 0.5, 0.75, 1.0)
"""Of the most cases: what the looks see."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One suite's looks.

    Attributes:
        cases: that each look sees, ascending. number: which look is meant, from 0.
    """

    cases: tuple[int, ...]
    number: int

    def level(self, alpha: float) -> float:
        """What this look is tested at, so that all together are wrong in at most `alpha`."""
        return levels(self._shares, alpha)[self.number]

    def spent(self, alpha: float) -> float:
        """How much of `alpha` is spent with this look."""
        return spent(self._shares[self.number], alpha)

    @property
    def _shares(self) -> tuple[float, ...]:
        return tuple(count / self.cases[-1] for count in self.cases)


def looks_at(most: int) -> tuple[int, ...]:
    """How many of `most` cases each look sees: at most four looks, each at more than the one before."""
    return tuple(sorted({ceil(share * most) for share in SHARES}))
