"""How high a rate, a quantile or a mean is at least, or at most, with a given certainty."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log, sqrt
from statistics import fmean, stdev

from scipy.special import bdtrik, betaincinv, stdtrit

from evalkit.stats.rate import Interval, Rate


def exact_bounds(rate: Rate, alpha: float) -> Interval | None:
    """Of a proportion; each end is wrong in at most `alpha` of all samples. None of no observation.

    Source: Clopper and Pearson, Biometrika 26 (1934) 404-413, by the inverse of the incomplete beta function.
    """
    if not rate.n:
        return None
    passed, failed = rate.passed, rate.n - rate.passed
    low = float(betaincinv(passed, failed + 1, alpha)) if passed else 0.0
    return Interval(low, float(betaincinv(passed + 1, failed, 1 - alpha)) if failed else 1.0)


def least_for_rate(floor: float, alpha: float) -> int | None:
    """How many must pass, if all do, to show a rate of at least `floor`: 29 for 0.9 at 0.05; None for 1."""
    if floor >= 1:
        return None
    return ceil(log(alpha) / log(floor)) if floor > 0 else 1


def quantile_bounds(
    ordered: Sequence[float], share: float, alpha: float
) -> tuple[float | None, float | None]:
    """Of a quantile, by the order of the sample alone; an end that the sample cannot tell is None.

    Source: David and Nagaraja, Order Statistics (3rd ed., 2003), section 7.1.

    Args:
        ordered: ascending.
        share: 0.95 for the 95th percentile.
        alpha: how often each end may be wrong.
    """
    n = len(ordered)
    low = _most_below(n, share, alpha)
    high = n - 1 - _most_below(n, 1 - share, alpha)
    return (ordered[low] if low >= 0 else None), (ordered[high] if high < n else None)


def _most_below(n: int, share: float, alpha: float) -> int:
    """The greatest place, from 0, of a value that lies below the quantile but for `alpha`; -1 for none."""
    if not n or (1 - share) ** n > alpha:
        return -1
    return int(bdtrik(alpha, n, share))


def mean_bounds(values: Sequence[float], alpha: float) -> Interval | None:
    """Of a mean, by Student's t; each end is wrong in about `alpha` of all samples. None below two."""
    if len(values) < 2:
        return None
    half = -float(stdtrit(len(values) - 1, alpha)) * stdev(values) / sqrt(len(values))
    return Interval(fmean(values) - half, fmean(values) + half)
