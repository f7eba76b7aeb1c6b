"""The mean of differences that follow no known distribution: of scores, cost, latency."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.stats.rate import Interval

RESAMPLES = 9_999

BOOTSTRAP_UP_TO = 2_000
"""Differences: beyond, it would take seconds, and Student's t tells the same to two digits."""

_AT_ONCE = 1_000_000
"""Values drawn at a time: 8 MB."""


def paired_bootstrap(
    differences: Sequence[float], confidence: float = 0.95, seed: int = 0
) -> Interval | None:
    """The interval of the mean difference: bias-corrected and accelerated (BCa). None below two differences.

    Where all differences are alike it is that value alone. Source: Efron, J. Am. Stat. Assoc. 82 (1987)
    171-185, by scipy.stats.bootstrap.

    Args:
        differences: one a case, or a group of cases: the unit that is drawn.
        confidence: two-sided.
        seed: of the draws; the same gives the same interval.
    """
    if len(differences) < 2:
        return None
    low, high = min(differences), max(differences)
    if low == high:
        return Interval(low, high)
    if len(differences) > BOOTSTRAP_UP_TO:
        from evalkit.stats.bounds import mean_bounds

        return mean_bounds(differences, (1 - confidence) / 2)
    return _drawn(differences, confidence, seed)


def _drawn(differences: Sequence[float], confidence: float, seed: int) -> Interval:
    import numpy as np
    from scipy.stats import bootstrap

    values = np.asarray(differences)
    scale = np.abs(values).max()  # cubes of very small or large values would leave a float's range
    found = bootstrap(
        (values / scale,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=max(1, _AT_ONCE // len(values)),
        confidence_level=confidence,
        method="BCa",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(float(found.low * scale), float(found.high * scale))
