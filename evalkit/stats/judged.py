"""What the gate tests where a judge read the answers: bounds of true rates, and of their difference.

Each side has a judge's accuracy of its own, measured on its own labelled answers. Intervals and p-values
come from melding: every unknown rate is drawn from the confidence distribution of its exact (Clopper-Pearson)
bound, on the side that speaks against what is to be shown, and each draw gives a corrected difference. Where
the judge never errs this is the exact bound: ruling out 5 points takes 59 cases that agree.

The normal approximation with Lang and Reiczigel's adjusted estimates is not used here: simulated, it says
non-inferior in up to 14% where 5% are allowed. Nor are draws held within [0, 1]: that cuts off the half of
one side's error that makes up for the other's, and gave up to 12%.

Source: Fay, Proschan and Brittain, Biometrics 71 (2015) 146-156; for a rate behind an imperfect test Bayer,
Fay and Graubard, "Confidence intervals for prevalence estimates from complex surveys with imperfect assays",
2023.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.correction import Accuracy, true_share
from evalkit.stats.paired import Pairs
from evalkit.stats.rate import Interval, Rate

Floats = NDArray[np.float64]

DRAWS = 100_000
"""A p-value of 0.05 is exact to 0.0007 (one standard error)."""


@dataclass(frozen=True, slots=True)
class JudgedPairs:
    """Cases whose answers a judge read on both sides.

    Attributes:
        pairs: its verdicts; parts of a case are allowed.
        passed: how many of the candidate's answers it passed.
        candidate, baseline: how well it reads the answers of either side.
    """

    pairs: Pairs
    passed: float
    candidate: Accuracy
    baseline: Accuracy

    @property
    def swapped(self) -> JudgedPairs:
        """The same, seen from the baseline."""
        passed = self.passed - self.pairs.won + self.pairs.lost
        return JudgedPairs(self.pairs.swapped, passed, self.baseline, self.candidate)


@dataclass(frozen=True, slots=True)
class CorrectedDifference:
    """Candidate's true pass rate less the baseline's, in [-1, 1]."""

    value: float
    interval: Interval


def corrected_difference(judged: JudgedPairs, confidence: float = 0.95) -> CorrectedDifference | None:
    """The estimate (Rogan and Gladen's on both sides), with an interval in which each end is wrong in half of
    what `confidence` leaves.

    None without at least two cases and two labelled answers of each kind on both sides, or where the judge
    tells nothing of a side (TPR + TNR <= 1).
    """
    value = _estimate(judged)
    if value is None:
        return None
    tail = (1 - confidence) / 2
    low = float(np.quantile(least_differences(judged), tail))
    high = -float(np.quantile(least_differences(judged.swapped), tail))
    return CorrectedDifference(value, Interval(max(-1.0, min(low, value)), min(1.0, max(high, value))))


def judged_noninferior_p(judged: JudgedPairs, margin: float, draws: int = DRAWS) -> float:
    """The p-value of "the candidate is truly worse by `margin` or more"; 1 where nothing can be told.

    That of "the candidate is as good, or better" is `judged_noninferior_p(judged.swapped, 0)`.
    """
    if _estimate(judged) is None:
        return 1.0
    against = np.count_nonzero(least_differences(judged, draws) <= -margin)
    return float((against + 1) / (draws + 1))


def least_differences(judged: JudgedPairs, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Draws of the true difference, each rate from the bound that makes it least; equal for equal data.

    -1, the least of all, where the judge drawn tells nothing of a side.
    """
    rng = np.random.default_rng(seed)
    mine, theirs = _observed(judged, draws, rng)
    least, most = _least(mine, judged.candidate, rng), _most(theirs, judged.baseline, rng)
    return np.where(np.isnan(least) | np.isnan(most), -1.0, least - most)


def judged_bounds(
    passed: float, n: float, accuracy: Accuracy, level: float, draws: int = DRAWS
) -> Interval | None:
    """Of one true rate: lower and upper bound, each wrong in `level` of all samples; by melding as well.

    Lang and Reiczigel's interval, which reports show, is made for both ends together: one of them alone was
    wrong in up to 8% where 5% are allowed. None below two observations of any kind.

    Args:
        passed: of `n` answers that the judge read; parts are allowed.
        n: answers, or groups of them.
        accuracy: how well it reads them.
        level: one-sided.
    """
    if min(n, accuracy.tpr.n, accuracy.tnr.n) < 2:
        return None
    rng = np.random.default_rng(0)
    least = _least(_beta(passed, n - passed + 1, draws, rng), accuracy, rng)
    most = _most(_beta(passed + 1, n - passed, draws, rng), accuracy, rng)
    low = float(np.quantile(np.nan_to_num(least, nan=0.0), level))
    high = float(np.quantile(np.nan_to_num(most, nan=1.0), 1 - level))
    return Interval(min(1.0, max(0.0, low)), max(0.0, min(1.0, high)))


def _least(observed: Floats, accuracy: Accuracy, rng: np.random.Generator) -> Floats:
    """Draws of the true rate behind an observed one, from below; NaN where the judge drawn tells nothing."""
    draws = len(observed)
    return _true(observed, _above(accuracy.tpr, draws, rng), _below(accuracy.tnr, draws, rng))


def _most(observed: Floats, accuracy: Accuracy, rng: np.random.Generator) -> Floats:
    """The same from above."""
    draws = len(observed)
    return _true(observed, _below(accuracy.tpr, draws, rng), _above(accuracy.tnr, draws, rng))


def _true(observed: Floats, tpr: Floats, tnr: Floats) -> Floats:
    tells = tpr + tnr - 1
    return np.divide(observed + tnr - 1, tells, out=np.full_like(tells, np.nan), where=tells > 0)


def _observed(judged: JudgedPairs, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """What the judge passes of either side: the four kinds of pairs are drawn together, so that what both
    sides have in common cancels out.

    One case more is lost than was seen. That makes the candidate's rate Beta(k, n - k + 1) and the baseline's
    Beta(k + 1, n - k): the exact lower and upper bounds.
    """
    n, won, lost = judged.pairs.n, judged.pairs.won, judged.pairs.lost
    both = max(0.0, judged.passed - won)
    neither = max(0.0, n - both - won - lost)
    cells = [rng.standard_gamma(count, draws) for count in (both, won, lost + 1, neither)]
    total = sum(cells[1:], cells[0])
    return (cells[0] + cells[1]) / total, (cells[0] + cells[2]) / total


def _below(rate: Rate, draws: int, rng: np.random.Generator) -> Floats:
    return _beta(rate.passed, rate.n - rate.passed + 1, draws, rng)


def _above(rate: Rate, draws: int, rng: np.random.Generator) -> Floats:
    return _beta(rate.passed + 1, rate.n - rate.passed, draws, rng)


def _beta(a: float, b: float, draws: int, rng: np.random.Generator) -> Floats:
    """Made of gammas, which allow `a` or `b` to be 0."""
    first, second = rng.standard_gamma(a, draws), rng.standard_gamma(b, draws)
    return np.asarray(first / (first + second))


def _estimate(judged: JudgedPairs) -> float | None:
    n, won, lost = judged.pairs.n, judged.pairs.won, judged.pairs.lost
    if n < 2:
        return None
    mine = true_share(judged.passed / n, judged.candidate)
    theirs = true_share((judged.passed - won + lost) / n, judged.baseline)
    return None if mine is None or theirs is None else mine - theirs
