"""Is the candidate at most `margin` worse than the baseline, on the same cases? An exact test.

The counts (won, lost, rest) of n cases are trinomial. Tables are ordered by the score statistic of Tango; the
p-value is the probability of a table at least as extreme, at its greatest over all true rates for which the
candidate is worse by exactly the margin. So no table is taken for non-inferior more often than alpha says.

Source: Hsueh, Liu and Chen, Biometrics 57 (2001) 478-483, who show that the greatest lies on that border.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, gammaln, xlog1py, xlogy

from evalkit.stats.paired import Pairs, score_z

Floats = NDArray[np.float64]

_NEGLIGIBLE = 9.0
"""Standard deviations from the mean beyond which a count is left out: 1e-18 of all."""
_TOLERANCE = 1e-9
"""Two tables whose statistics differ by less than this are equally extreme."""


@lru_cache(maxsize=10_000)
def exact_p(pairs: Pairs, margin: float) -> float:
    """The p-value of "the candidate is worse by `margin`, or more"; `pairs.n` is whole."""
    return ExactTest(int(pairs.n), margin).p(pairs)


@dataclass(frozen=True)
class ExactTest:
    """The test of one number of cases and one margin; both stand for a family of tables.

    Attributes:
        n: cases. margin: in [0, 1).
    """

    n: int
    margin: float

    def p(self, pairs: Pairs) -> float:
        """The p-value of a table of `n` cases; where it has parts of cases, of whole ones as extreme."""
        return self.p_of(score_z(pairs, -self.margin))

    def p_of(self, z: float) -> float:
        """The greatest probability, on the border, of a statistic of at least `z`."""
        most_lost = self.most_lost(z)
        rates = self._border
        chances = [self.chance(most_lost, won, won + self.margin) for won in rates]
        top = int(np.argmax(chances))
        near = np.linspace(rates[max(0, top - 1)], rates[min(len(rates) - 1, top + 1)], 21)
        greatest = max(chances[top], *(self.chance(most_lost, won, won + self.margin) for won in near))
        return min(1.0, greatest)  # sums of floats may pass it

    def critical(self, alpha: float) -> float:
        """The least statistic with a p-value of at most `alpha`, to six digits, from above."""
        low, high = 0.0, _NEGLIGIBLE
        while high - low > 1e-6:
            middle = (low + high) / 2
            low, high = (low, middle) if self.p_of(middle) <= alpha else (middle, high)
        return high

    def power(self, alpha: float, discordance: float, difference: float = 0.0) -> float:
        """How often the test shows non-inferiority at true rates that differ by `difference`.

        Args:
            alpha: its one-sided level.
            discordance: the share of cases on which the two truly differ, at least abs(difference).
            difference: candidate's true rate less the baseline's.
        """
        won, lost = (discordance + difference) / 2, (discordance - difference) / 2
        return self.chance(self.most_lost(self.critical(alpha)), won, lost)

    def most_lost(self, z: float) -> NDArray[np.int64]:
        """By number of cases won, 0 to n: the most that may be lost for a statistic of at least `z`; -1 for
        none. The statistic grows with what is won and falls with what is lost, so this tells all tables."""
        won = np.arange(self.n + 1)
        low, high = np.full(self.n + 1, -1), self.n - won
        while (open_ := low < high).any():
            middle = np.where(open_, (low + high + 1) // 2, low)
            enough = self._z(won, np.maximum(middle, 0)) >= z - _TOLERANCE
            low, high = np.where(open_ & enough, middle, low), np.where(open_ & ~enough, middle - 1, high)
        return low

    def chance(self, most_lost: NDArray[np.int64], won: float, lost: float) -> float:
        """The probability of the tables that `most_lost` tells, at true rates `won` and `lost`."""
        counts = self._likely(won)
        left = self.n - counts
        share = min(1.0, lost / (1 - won)) if won < 1 else 0.0
        below = np.where(most_lost[counts] < 0, 0.0, bdtr(most_lost[counts].astype(float), left, share))
        return float(np.sum(_binomial(counts, self.n, won) * below))

    def _likely(self, rate: float) -> NDArray[np.int64]:
        half = _NEGLIGIBLE * (self.n * rate * (1 - rate)) ** 0.5 + _NEGLIGIBLE**2 / 2
        middle = self.n * rate
        return np.arange(max(0, int(middle - half)), min(self.n, ceil(middle + half)) + 1)

    @cached_property
    def _border(self) -> Floats:
        """True rates of winning, dense where they are small: there a count's spread is narrow."""
        steps = 60 + 8 * ceil(self.n**0.5)
        return np.asarray((1 - self.margin) / 2 * np.linspace(0, 1, steps) ** 2)

    def _z(self, won: NDArray[np.int64], lost: NDArray[np.int64]) -> Floats:
        """`score_z` of many tables at once."""
        n, shift = self.n, -self.margin
        b = -won - lost + (2 * n - won + lost) * shift
        root = np.sqrt(np.maximum(0.0, b * b + 8 * n * lost * shift * (1 - shift)))
        variance = n * ((root - b) / (2 * n) + shift * (1 - shift))
        above = won - lost - n * shift
        z: Floats = np.divide(
            above, np.sqrt(np.maximum(variance, 0)), out=np.zeros(n + 1), where=variance > 0
        )
        return z


def _binomial(counts: NDArray[np.int64], n: int, rate: float) -> Floats:
    choices = gammaln(n + 1) - gammaln(counts + 1) - gammaln(n - counts + 1)
    return np.asarray(np.exp(choices + xlogy(counts, rate) + xlog1py(n - counts, -rate)))
