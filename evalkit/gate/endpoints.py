"""One endpoint: is the candidate shown to be non-inferior, or worse?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from evalkit.gate.model import Endpoint
from evalkit.gate.views import View
from evalkit.stats import Interval, Pairs, score_z, tango
from evalkit.stats.clusters import cluster_interval, t_p
from evalkit.stats.multiple import holm
from evalkit.stats.noninferiority import exact_p
from evalkit.stats.planning import more_cases, more_repeats

EXACT_UP_TO = 10_000
"""Cases: the exact test takes 0.1 s there. Beyond, the score statistic is as good as exact: it is wrong in
5.03% where 5% are allowed."""


def compared(
    views: Sequence[tuple[str, View]], margin: float, level: float, notes: Mapping[str, str]
) -> tuple[Endpoint, ...]:
    """All endpoints of a suite, by name.

    Args:
        views: what each sees. margin: how much worse the candidate may be.
        level: one-sided, of each test.
        notes: why an endpoint cannot be shown, whatever its figures.
    """
    worse = holm([worse_p(seen) for _, seen in views])
    return tuple(
        _endpoint(name, seen, margin, level, p_worse, notes.get(name, ""))
        for (name, seen), p_worse in zip(views, worse, strict=True)
    )


def noninferior_p(seen: View, margin: float) -> float:
    """The p-value of "the candidate is worse by the margin or more"; 1 without any case.

    Where answers hang together both tests must agree: Student's t of the groups, and the exact one of as many
    single cases, so that groups which happen to agree are not taken for certainty.
    """
    if seen.clustered:
        return max(t_p(seen.differences, -margin), _cases_p(seen.pairs, margin))
    return _cases_p(seen.pairs, margin)


def worse_p(seen: View) -> float:
    """The p-value of "the candidate is as good as the baseline, or better"."""
    turned = tuple(-value for value in seen.differences)
    if seen.clustered:
        return max(t_p(turned, 0.0), _cases_p(seen.pairs.swapped, 0.0))
    return _cases_p(seen.pairs.swapped, 0.0)


def _cases_p(pairs: Pairs, margin: float) -> float:
    if not pairs.n:
        return 1.0
    if pairs.n <= EXACT_UP_TO:
        return exact_p(pairs, margin)
    from scipy.special import ndtr

    return float(ndtr(-score_z(pairs, -margin)))


def _endpoint(name: str, seen: View, margin: float, level: float, p_worse: float, note: str) -> Endpoint:
    p = noninferior_p(seen, margin)
    found = Endpoint(name, seen.pairs, interval(seen, level), "open", p, p_worse, note=note)
    if p <= level and not note:
        return replace(found, state="noninferior")
    if p_worse <= level:
        return replace(found, state="worse")
    if not margin or not seen.n:
        return found
    return replace(
        found, more=more_cases(seen.pairs, margin, level), more_repeats=_repeats(seen, margin, level)
    )


def _repeats(seen: View, margin: float, level: float) -> int | None:
    if not seen.clustered or len(seen.units) < 2:
        return None
    return more_repeats(seen.differences, seen.within, seen.n / len(seen.units), margin, level)


def interval(seen: View, level: float) -> Interval | None:
    """Of the difference, each end for itself as sure as `level` says; None where there is not enough."""
    confidence = 1 - 2 * level
    return cluster_interval(seen.differences, confidence) if seen.clustered else tango(seen.pairs, confidence)
