"""Two pass rates that were measured on the same cases: their difference, and an interval of it.

Source: Tango, Statist. Med. 17 (1998) 891-908; the same score statistic is that of Nam, Biometrics 53 (1997)
1422-1430.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from evalkit.stats.rate import Interval, two_sided_z

_HALVINGS = 60
"""Of an interval of length 2: down to the last bit of a float."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """`n` cases that both sides answered.

    Attributes:
        won: passed by the candidate alone. `lost`: passed by the baseline alone. Parts of a case are allowed,
            where a case is the mean of several answers.
    """

    n: float
    won: float
    lost: float

    @property
    def difference(self) -> float:
        """Candidate's pass rate less the baseline's, in [-1, 1]."""
        return (self.won - self.lost) / self.n

    @property
    def discordance(self) -> float:
        """The share of cases on which they differ."""
        return (self.won + self.lost) / self.n

    @property
    def swapped(self) -> Pairs:
        """The same, seen from the baseline."""
        return Pairs(self.n, self.lost, self.won)


def pairs_of(before: Sequence[bool], after: Sequence[bool]) -> Pairs:
    """Counted item by item, `after` being the candidate's.

    Raises:
        ValueError: different numbers of items.
    """
    if len(before) != len(after):
        raise ValueError(f"{len(before)} items against {len(after)}: both must be measured on the same items")
    both = list(zip(before, after, strict=True))
    return Pairs(len(both), both.count((False, True)), both.count((True, False)))


def score_z(pairs: Pairs, difference: float) -> float:
    """Tango's statistic of the hypothesis that the true difference is `difference`, in (-1, 1).

    Standard normal there; the greater, the more the candidate is above it. 0 where nothing speaks either way.
    """
    n, won, lost = pairs.n, pairs.won, pairs.lost
    a, c = 2 * n, -lost * difference * (1 - difference)
    b = -won - lost + (2 * n - won + lost) * difference
    alone = (sqrt(max(0.0, b * b - 4 * a * c)) - b) / (
        2 * a
    )  # the likeliest rate of `lost` on the hypothesis
    variance = n * (2 * alone + difference * (1 - difference))
    above = won - lost - n * difference
    return above / sqrt(variance) if variance > 0 else 0.0


def tango(pairs: Pairs, confidence: float = 0.95) -> Interval | None:
    """The score interval of the difference; None below two cases.

    It keeps its width where nothing differs, unlike Wald's.

    Raises:
        ValueError: `confidence` is not between 0 and 1.
    """
    z = two_sided_z(confidence)
    if pairs.n < 2:
        return None
    found = pairs.difference
    return Interval(-_reach(pairs.swapped, -found, z), _reach(pairs, found, z))


def _reach(pairs: Pairs, inside: float, z: float) -> float:
    """The greatest difference that `pairs` do not speak against at `z`; `inside` is one of them."""
    low, high = inside, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if score_z(pairs, middle) >= -z else (low, middle)
    return low
