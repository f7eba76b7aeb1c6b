"""A share of passed observations, with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rate:
    """`passed` of `n` decided observations; what was not decided is in neither."""

    passed: int
    n: int

    @property
    def share(self) -> float | None:
        """In [0, 1]; None where nothing was decided."""
        return self.passed / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        """The 95% Wilson interval; None below two observations."""
        return wilson(self.passed, self.n)


def two_sided_z(confidence: float) -> float:
    """The normal quantile, e.g. 1.96 for 0.95."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}: give a number between 0 and 1, such as 0.95")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(passed: int, n: int, confidence: float = 0.95) -> Interval | None:
    """The score interval of a proportion, without continuity correction; None below two observations.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212; method 3 of Newcombe, Statist. Med. 17 (1998)
    857-872.

    Raises:
        ValueError: `passed` is not between 0 and `n`, or `confidence` not between 0 and 1.
    """
    if not 0 <= passed <= n:
        raise ValueError(f"{passed} passed of {n}: the first must lie between 0 and the second")
    z = two_sided_z(confidence)
    if n < 2:
        return None
    share = passed / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # rounding must not leave the share, or [0, 1], outside
    return Interval(max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))
