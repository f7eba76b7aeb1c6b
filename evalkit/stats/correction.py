"""A pass rate that was read through an imperfect judge: what it says of the true one.

The judge passes a share TPR of the good answers and fails a share TNR of the bad ones. Both are known from
labelled answers alone, so both are uncertain too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from evalkit.stats.rate import Interval, Rate, two_sided_z, wilson


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A judge's verdicts on labelled answers.

    Attributes:
        tpr: passed, of those that should pass. tnr: failed, of those that should fail.
    """

    tpr: Rate
    tnr: Rate


@dataclass(frozen=True, slots=True)
class Corrected:
    """A true rate as far as a judge tells it; `value` and `interval` lie in [0, 1]."""

    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Youden:
    """TPR + TNR - 1: 1 of a perfect judge, 0 of one that throws a coin."""

    value: float
    interval: Interval


def corrected_rate(observed: Rate, accuracy: Accuracy, confidence: float = 0.95) -> Corrected | None:
    """The true pass rate behind `observed`, with all three uncertainties in its interval.

    None where one of the rates has fewer than two observations, or the judge tells nothing (TPR + TNR <= 1).

    Source: the value is Rogan and Gladen's, Am. J. Epidemiol. 107 (1978) 71-76; the interval is Lang and
    Reiczigel's, Prev. Vet. Med. 113 (2014) 13-22, equations 6, 7, 16 and 17, and 4 with (1 - P)^2, which is
    printed there as (1 + P)^2.

    Raises:
        ValueError: `confidence` is not between 0 and 1.
    """
    z = two_sided_z(confidence)
    value = true_share(observed.passed / observed.n, accuracy) if observed.n > 1 else None
    q, n = _added(observed, z * z / 2)
    sensitivity, positives = _added(accuracy.tpr, 1)
    specificity, negatives = _added(accuracy.tnr, 1)
    youden_ = sensitivity + specificity - 1
    if value is None or youden_ <= 0:
        return None
    middle = (q + specificity - 1) / youden_
    missed = sensitivity * (1 - sensitivity) / positives
    let_through = specificity * (1 - specificity) / negatives
    variance = (q * (1 - q) / n + middle**2 * missed + (1 - middle) ** 2 * let_through) / youden_**2
    middle += 2 * z * z * (middle * missed - (1 - middle) * let_through)
    half = z * sqrt(variance)
    return Corrected(value, Interval(_in_range(middle - half), _in_range(middle + half)))


def true_share(observed: float, accuracy: Accuracy) -> float | None:
    """Rogan and Gladen's estimate from an observed share, held within [0, 1].

    None where either rate of the judge has fewer than two observations, or TPR + TNR <= 1.
    """
    tpr, tnr = accuracy.tpr, accuracy.tnr
    if min(tpr.n, tnr.n) < 2:
        return None
    let_through = 1 - tnr.passed / tnr.n
    told = tpr.passed / tpr.n - let_through
    return _in_range((observed - let_through) / told) if told > 0 else None


def _added(rate: Rate, each: float) -> tuple[float, float]:
    """Share and number after `each` more that passed, and as many that did not (Agresti and Coull)."""
    return (rate.passed + each) / (rate.n + 2 * each), rate.n + 2 * each


def _in_range(share: float) -> float:
    return min(1.0, max(0.0, share))


def youden(accuracy: Accuracy, confidence: float = 0.95) -> Youden | None:
    """How much a judge tells; None where either rate has fewer than two observations.

    It is the difference of two independent proportions, TPR and 1 - TNR.

    Source: Youden, Cancer 3 (1950) 32-35; the interval is method 10 of Newcombe, Statist. Med. 17 (1998)
    873-890.

    Raises:
        ValueError: `confidence` is not between 0 and 1.
    """
    tpr, tnr = accuracy.tpr, accuracy.tnr
    good, bad = wilson(tpr.passed, tpr.n, confidence), wilson(tnr.passed, tnr.n, confidence)
    if good is None or bad is None:
        return None
    sensitivity, specificity = tpr.passed / tpr.n, tnr.passed / tnr.n
    value = sensitivity + specificity - 1
    below = sqrt((sensitivity - good.low) ** 2 + (specificity - bad.low) ** 2)
    above = sqrt((good.high - sensitivity) ** 2 + (bad.high - specificity) ** 2)
    return Youden(value, Interval(value - below, value + above))
