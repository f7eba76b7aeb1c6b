"""Quantiles without numpy."""

from __future__ import annotations

from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """By linear interpolation between the two nearest values, as numpy and pandas do; None of nothing.

    Source: definition 7 of Hyndman and Fan, Am. Stat. 50 (1996) 361-365.

    Args:
        ordered: ascending.
        share: 0.5 for the median.
    """
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = ordered[int(place)]
    high = ordered[min(int(place) + 1, len(ordered) - 1)]
    part = place - int(place)
    # from the nearer end, as numpy does it: exact at both ends, and never beyond them
    return low + part * (high - low) if part < 0.5 else high - (1 - part) * (high - low)
