"""A pass rate seen through an imperfect judge, corrected for what the judge gets wrong.

The judge's true positive rate (TPR) and true negative rate (TNR) are measured on labelled answers; their
uncertainty goes into the result. Source: Rogan and Gladen, Am. J. Epidemiol. 107 (1978) 71-76; interval by
Lang and Reiczigel, Prev. Vet. Med. 113 (2014) 13-22, equations 6, 7, 16 and 17; of a difference by MOVER, Zou
and Donner, Statist. Med. 27 (2008) 1693-1702.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from evalkit.stats.rate import Interval, Rate, two_sided_z, wilson

_LEAST, _MOST = 1e-9, 0.5
"""Between these a p-value is looked for."""


@dataclass(frozen=True, slots=True)
class Trust:
    """How a judge did on labelled answers: passed of those that should, failed of those that should."""

    tpr: Rate
    tnr: Rate

    @property
    def youden(self) -> float | None:
        """TPR + TNR - 1: 1 for a perfect judge, 0 for one that knows nothing; None where one is unknown."""
        if self.tpr.share is None or self.tnr.share is None:
            return None
        return self.tpr.share + self.tnr.share - 1

    def youden_interval(self, confidence: float = 0.95) -> Interval | None:
        """Of `youden`, by MOVER from both Wilson intervals; None below two answers of a kind."""
        tpr, tnr = (wilson(rate.passed, rate.n, confidence) for rate in (self.tpr, self.tnr))
        value, p, q = self.youden, self.tpr.share, self.tnr.share
        if tpr is None or tnr is None or value is None or p is None or q is None:
            return None
        below, above = _joined(p - tpr.low, q - tnr.low), _joined(tpr.high - p, tnr.high - q)
        return Interval(max(-1.0, value - below), min(1.0, value + above))


@dataclass(frozen=True, slots=True)
class Observed:
    """What a judge passed: a share of `n` answers."""

    share: float
    n: float


@dataclass(frozen=True, slots=True)
class Corrected:
    """What truly passed, by Rogan and Gladen, in [0, 1]; the interval holds the judge's errors too."""

    value: float
    interval: Interval


def corrected(seen: Observed, trust: Trust, confidence: float = 0.95) -> Corrected | None:
    """The true rate behind what a judge passed; None without labels of both kinds, or for a judge that is no
    better than chance."""
    found = _unbounded(seen, trust, confidence)
    if found is None:
        return None
    ends = (_within(end) for end in (found.interval.low, found.interval.high))
    return Corrected(_within(found.value), Interval(*ends))


def _unbounded(seen: Observed, trust: Trust, confidence: float) -> Corrected | None:
    """The same, also beyond [0, 1], where more was passed than the labels let expect.

    Cut off there, two sides that both lie beyond would seem to be surely equal.
    """
    youden = trust.youden
    if not seen.n or youden is None or youden <= 0 or trust.tnr.share is None:
        return None
    z = two_sided_z(confidence)
    tpr, tpr_n, tnr, tnr_n = *_padded(trust.tpr), *_padded(trust.tnr)
    n = seen.n + z * z
    share = (seen.n * seen.share + z * z / 2) / n
    better = tpr + tnr - 1
    middle = (share + tnr - 1) / better
    tpr_part, tnr_part = tpr * (1 - tpr) / tpr_n, tnr * (1 - tnr) / tnr_n
    shift = 2 * z * z * (middle * tpr_part - (1 - middle) * tnr_part)
    spread = sqrt(share * (1 - share) / n + middle**2 * tpr_part + (1 - middle) ** 2 * tnr_part) / better
    low, high = (middle + shift + side * z * spread for side in (-1, 1))
    return Corrected((seen.share + trust.tnr.share - 1) / youden, Interval(low, high))


def corrected_difference(
    candidate: tuple[Observed, Trust], baseline: tuple[Observed, Trust], confidence: float = 0.95
) -> Corrected | None:
    """Candidate's true rate less the baseline's, each corrected by labels of its own answers.

    Both are taken to be independent: on the same cases they mostly vary together, which makes the interval
    wider than it need be.
    """
    mine, theirs = (_unbounded(*side, confidence) for side in (candidate, baseline))
    if mine is None or theirs is None:
        return None
    value = mine.value - theirs.value
    low = value - _joined(mine.value - mine.interval.low, theirs.interval.high - theirs.value)
    high = value + _joined(mine.interval.high - mine.value, theirs.value - theirs.interval.low)
    return Corrected(min(1.0, max(-1.0, value)), Interval(max(-1.0, low), min(1.0, high)))


def corrected_p(candidate: tuple[Observed, Trust], baseline: tuple[Observed, Trust], margin: float) -> float:
    """The one-sided p-value of "the candidate truly is worse by `margin` or more".

    That is the level from which on the interval's lower end is above it; 1 where it is above one half, or
    where nothing can be said.
    """

    def shown(level: float) -> bool:
        found = corrected_difference(candidate, baseline, 1 - 2 * level)
        return found is not None and found.interval.low >= -margin

    low, high = _LEAST, _MOST - _LEAST
    if not shown(high):
        return 1.0
    while high - low > 1e-9 and high > 1.0001 * low:
        middle = sqrt(low * high)
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high


def _padded(rate: Rate) -> tuple[float, float]:
    """A rate with one success and one failure more, and how many it is of."""
    return (rate.passed + 1) / (rate.n + 2), rate.n + 2


def _joined(one: float, other: float) -> float:
    """Two distances from an estimate to a bound of its own, as one; a bound beyond the estimate is none."""
    return sqrt(max(0.0, one) ** 2 + max(0.0, other) ** 2)


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
