"""Numbers as people read them: unknown is `?`, what does not apply is `-`."""

from __future__ import annotations

from evalkit.stats import Interval, Rate

UNKNOWN = "?"
NOT_APPLICABLE = "-"


def percent(rate: Rate | None) -> str:
    """`82%`; never 0% or 100% unless none or all passed; `-` without such a check."""
    if rate is None:
        return NOT_APPLICABLE
    if rate.share is None:
        return UNKNOWN
    if 0 < rate.share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= rate.share < 1 else f"{rate.share:.0%}"


def interval(rate: Rate) -> str:
    """`62-78`, in percent; `?` below two records."""
    found = rate.interval
    return f"{100 * found.low:.0f}-{100 * found.high:.0f}" if found else UNKNOWN


def points(number: str) -> str:
    """`1 point`, `6 points`: percentage points, as they were written."""
    return f"{number} point{'' if number.lstrip('+-') == '1' else 's'}"


def difference(share: float | None) -> str:
    """`+3.1`, in points."""
    return UNKNOWN if share is None else f"{100 * share:+.1f}"


def differences(found: Interval | None) -> str:
    """`-1.2 to +7.4`, in points."""
    return f"{difference(found.low)} to {difference(found.high)}" if found else UNKNOWN


def whole(number: float | None) -> str:
    """`268`."""
    return UNKNOWN if number is None else f"{number:.0f}"


def dollars(amount: float | None) -> str:
    """`0.13`; two digits that say something where it is less than a cent: `0.0042`."""
    if amount is None:
        return UNKNOWN
    return f"{amount:.2g}" if 0 < amount < 0.095 else f"{amount:,.2f}"
