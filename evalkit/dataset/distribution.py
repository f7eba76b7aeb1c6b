"""How a number is spread over the examples: exact figures, in memory that grows with its variety only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Distribution:
    """How often each value was seen; at least one was.

    Figures equal numpy's over the listed values: `mean` its mean, `quantile(q)` its quantile(..., q).
    """

    counts: Mapping[int, int]

    @property
    def n(self) -> int:
        """How many values there are."""
        return sum(self.counts.values())

    @property
    def total(self) -> int:
        """Their sum."""
        return sum(value * count for value, count in self.counts.items())

    @property
    def minimum(self) -> int:
        """The smallest."""
        return min(self.counts)

    @property
    def maximum(self) -> int:
        """The largest."""
        return max(self.counts)

    @property
    def mean(self) -> float:
        """Their mean."""
        return self.total / self.n

    @property
    def median(self) -> float:
        """The middle one, or the mean of the two in the middle."""
        return self.quantile(0.5)

    def quantile(self, q: float) -> float:
        """The value below which a share of `q` lies (0 to 1), interpolated linearly between neighbours."""
        place = (self.n - 1) * q
        below = math.floor(place)
        low, high = self._at(below), self._at(min(below + 1, self.n - 1))
        # from the nearer end, as numpy does: the last bits are to be the same
        t = place - below
        return high - (high - low) * (1 - t) if t >= 0.5 else low + (high - low) * t

    def above(self, limit: int) -> int:
        """How many values are greater than `limit`."""
        return sum(count for value, count in self.counts.items() if value > limit)

    def capped(self, limit: int | None) -> int:
        """The sum of all values, each taken as `limit` where it is greater."""
        if limit is None:
            return self.total
        return sum(min(value, limit) * count for value, count in self.counts.items())

    def bins(self, most: int = 8) -> list[tuple[int, int, int]]:
        """At most `most` ranges of equal width: (first value, last value, how many lie there)."""
        width = math.ceil((self.maximum - self.minimum + 1) / most)
        starts = range(self.minimum, self.maximum + 1, width)
        found = [0] * len(starts)
        for value, count in self.counts.items():
            found[(value - self.minimum) // width] += count
        return [
            (start, min(start + width - 1, self.maximum), n) for start, n in zip(starts, found, strict=True)
        ]

    def _at(self, place: int) -> int:
        """The value at a place, counted from 0, in the sorted list of all."""
        values = sorted(self.counts)
        for value, upto in zip(values, accumulate(self.counts[value] for value in values), strict=True):
            if place < upto:
                return value
        raise IndexError(place)
