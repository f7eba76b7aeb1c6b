"""One endpoint: is the candidate shown to be non-inferior, or worse?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from evalkit.gate.judges import Judged
from evalkit.gate.model import Endpoint
from evalkit.gate.views import View
from evalkit.stats import Interval, Pairs, score_z, tango
from evalkit.stats.clusters import cluster_interval, t_p
from evalkit.stats.judged import JudgedPairs, corrected_difference, judged_noninferior_p
from evalkit.stats.multiple import holm
from evalkit.stats.noninferiority import exact_p
from evalkit.stats.planning import more_cases, more_repeats

EXACT_UP_TO = 10_000
"""Cases: the exact test takes 0.1 s there. Beyond, the score statistic is as good as exact: it is wrong in
5.03% where 5% are allowed."""


def compared(
    views: Sequence[tuple[str, View]], margin: float, level: float, judged: Mapping[str, Judged]
) -> tuple[Endpoint, ...]:
    """All endpoints of a suite, by name.

    Args:
        views: what each sees. margin: how much worse the candidate may be.
        level: one-sided, of each test.
        judged: what is known of the judges, by endpoint.
    """
    worse = holm([worse_p(seen, _read(seen, judged.get(name))) for name, seen in views])
    return tuple(
        _endpoint(name, seen, margin, level, p_worse, judged.get(name))
        for (name, seen), p_worse in zip(views, worse, strict=True)
    )


def _read(seen: View, known: Judged | None) -> JudgedPairs | None:
    """None where no judge reads the endpoint, or one of which too little is known."""
    if known is None or known.sides is None or not seen.n:
        return None
    return JudgedPairs(seen.pairs, seen.passed, *known.sides)


def noninferior_p(seen: View, margin: float, read: JudgedPairs | None = None) -> float:
    """The p-value of "the candidate is worse by the margin or more"; 1 without any case.

    Where answers hang together both tests must agree: Student's t of the groups, and the exact one of as many
    single cases, so that groups which happen to agree are not taken for certainty. What a judge reads is
    tested once more with its errors taken out, which adds their uncertainty.
    """
    corrected = judged_noninferior_p(read, margin) if read else 0.0
    return max(corrected, _plain_p(seen, margin))


def _plain_p(seen: View, margin: float) -> float:
    if seen.clustered:
        return max(t_p(seen.differences, -margin), _cases_p(seen.pairs, margin))
    return _cases_p(seen.pairs, margin)


def worse_p(seen: View, read: JudgedPairs | None = None) -> float:
    """The p-value of "the candidate is as good as the baseline, or better"."""
    corrected = judged_noninferior_p(read.swapped, 0.0) if read else 0.0
    turned = tuple(-value for value in seen.differences)
    if seen.clustered:
        return max(corrected, t_p(turned, 0.0), _cases_p(seen.pairs.swapped, 0.0))
    return max(corrected, _cases_p(seen.pairs.swapped, 0.0))


def _cases_p(pairs: Pairs, margin: float) -> float:
    if not pairs.n:
        return 1.0
    if pairs.n <= EXACT_UP_TO:
        return exact_p(pairs, margin)
    from scipy.special import ndtr

    return float(ndtr(-score_z(pairs, -margin)))


def _endpoint(
    name: str, seen: View, margin: float, level: float, p_worse: float, known: Judged | None
) -> Endpoint:
    read, note = _read(seen, known), known.note if known else ""
    p = noninferior_p(seen, margin, read)
    ends = interval(seen, level, read)
    found = Endpoint(name, seen.pairs, ends, "open", p, p_worse, note=note)
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


def interval(seen: View, level: float, read: JudgedPairs | None = None) -> Interval | None:
    """Of the difference, each end for itself as sure as `level` says; None where there is not enough."""
    confidence = 1 - 2 * level
    if read:
        found = corrected_difference(read, confidence)
        return found.interval if found else None
    return cluster_interval(seen.differences, confidence) if seen.clustered else tango(seen.pairs, confidence)
