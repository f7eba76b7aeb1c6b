"""What the candidate must reach by itself: tested on the bound, not on the point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil, floor, isnan
from typing import Literal

from evalkit.comparison.quantile import quantile
from evalkit.gate.counts import OVERALL, Counts
from evalkit.gate.judges import Judged
from evalkit.gate.model import Floor
from evalkit.gate.views import Missing, View, view
from evalkit.stats import Interval, Rate
from evalkit.stats.bounds import exact_bounds, least_for_rate, mean_bounds, quantile_bounds
from evalkit.stats.judged import judged_bounds
from evalkit.suite.model import LATENCIES, PASS_RATE

Ends = tuple[float | None, float | None]
"""Lower and upper bound; None where the sample cannot tell."""


def floors(counts: Counts, level: float, missing: Missing, judged: Mapping[str, Judged]) -> tuple[Floor, ...]:
    """What the suite requires, in its order.

    Args:
        level: one-sided, of each bound.
        missing: whether an answer that is missing counts as failed; of figures, it is left out anyway.
        judged: what is known of the judges, by check: the rate of one that is read by a judge is corrected.
    """
    return tuple(
        FIGURES[name](name, limit, counts, level)
        if name in FIGURES
        else _rate(name, limit, counts, level, missing, judged.get(name))
        for name, limit in counts.gating.require.items()
    )


def least_answers(name: str, limit: float, alpha: float) -> int | None:
    """How many it takes at least to show that a requirement is met; None where no number does.

    Args:
        name, limit: as in `require:`.
        alpha: one-sided.
    """
    if name == "cost_per_1k":
        return 2
    return least_for_rate(LATENCIES.get(name, limit), alpha)


def _rate(
    name: str, limit: float, counts: Counts, level: float, missing: Missing, known: Judged | None
) -> Floor:
    number = OVERALL if name == PASS_RATE else counts.endpoints.index(name)
    seen = view(counts, number, missing)
    low, high = rate_bounds(seen, level, known)
    state = _state(low is not None and low >= limit, high is not None and high < limit)
    return Floor(name, limit, seen.rate.share, low, state, least_answers(name, limit, level), seen.n)


def rate_bounds(seen: View, level: float, known: Judged | None = None) -> Ends:
    """Of the candidate's pass rate; what a judge read is corrected for its errors, uncertain as they are."""
    low, high = _seen_bounds(seen, level)
    if known is None or low is None or high is None:
        return low, high
    if known.sides is None:
        return None, None
    units = len(seen.shares) if seen.clustered else seen.n
    found = judged_bounds(seen.passed, units, known.sides[0], level)
    return (min(low, found.low), max(high, found.high)) if found else (None, None)


def _seen_bounds(seen: View, level: float) -> Ends:
    """Of what passed; where answers hang together, never narrower than one answer a group."""
    if not seen.clustered:
        return _ends(exact_bounds(seen.rate, level))
    groups, passed = len(seen.shares), round(sum(seen.shares), 9)
    low, _ = _ends(exact_bounds(Rate(floor(passed), groups), level))
    _, high = _ends(exact_bounds(Rate(ceil(passed), groups), level))
    by_t = mean_bounds(seen.shares, level)
    if low is None or high is None or by_t is None:
        return None, None
    return min(low, by_t.low), max(high, by_t.high)


def _latency(share: float) -> Callable[[str, float, Counts, float], Floor]:
    def latency(name: str, limit: float, counts: Counts, level: float) -> Floor:
        ordered = sorted(counts.latencies_ms)
        low, high = quantile_bounds(ordered, share, level)
        state = _state(high is not None and high <= limit, low is not None and low > limit)
        least = least_answers(name, limit, level)
        return Floor(name, limit, quantile(ordered, share), high, state, least, len(ordered))

    return latency


def _cost(name: str, limit: float, counts: Counts, level: float) -> Floor:
    costs = [1000 * cost for cost in counts.costs_usd]
    known = not any(map(isnan, costs))
    low, high = _ends(mean_bounds(costs, level)) if known else (None, None)
    state = _state(high is not None and high <= limit, low is not None and low > limit)
    value = sum(costs) / len(costs) if known and costs else None
    return Floor(name, limit, value, high, state, least_answers(name, limit, level), len(costs))


FIGURES: dict[str, Callable[[str, float, Counts, float], Floor]] = {
    **{name: _latency(share) for name, share in LATENCIES.items()},
    "cost_per_1k": _cost,
}


def _state(met: bool, missed: bool) -> Literal["met", "missed", "open"]:
    return "met" if met else "missed" if missed else "open"


def _ends(interval: Interval | None) -> Ends:
    return (None, None) if interval is None else (interval.low, interval.high)
