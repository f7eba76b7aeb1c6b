"""Intervals and agreement: pure functions on counts, each with its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rate:
    """`passed` of `n` decided observations; what was not decided is in neither."""

    passed: int
    n: int

    @property
    def share(self) -> float | None:
        """In [0, 1]; None where nothing was decided."""
        return self.passed / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        """The 95% Wilson interval; None below two observations."""
        return wilson(self.passed, self.n)


@dataclass(frozen=True, slots=True)
class Kappa:
    """Chance-corrected agreement of two raters: 1 is full agreement, 0 what chance gives.

    `agreement` is the plain share of equal labels; `standard_error` and `interval` are those of `value`.
    """

    value: float
    standard_error: float
    interval: Interval
    agreement: float
    n: int


def _two_sided_z(confidence: float) -> float:
    """The normal quantile, e.g. 1.96 for 0.95."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}: give a number between 0 and 1, such as 0.95")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(passed: int, n: int, confidence: float = 0.95) -> Interval | None:
    """The score interval of a proportion, without continuity correction; None below two observations.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212; method 3 of Newcombe, Statist. Med. 17 (1998)
    857-872.

    Raises:
        ValueError: `passed` is not between 0 and `n`, or `confidence` not between 0 and 1.
    """
    if not 0 <= passed <= n:
        raise ValueError(f"{passed} passed of {n}: the first must lie between 0 and the second")
    z = _two_sided_z(confidence)
    if n < 2:
        return None
    share = passed / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # rounding must not leave the share, or [0, 1], outside
    return Interval(max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def kappa(first: Sequence[Hashable], second: Sequence[Hashable], confidence: float = 0.95) -> Kappa | None:
    """Cohen's kappa of two raters' labels, item by item.

    None below two items, or where both gave one and the same label throughout (chance alone agrees fully).

    Source: Cohen, Educ. Psychol. Meas. 20 (1960) 37-46; the large-sample standard error is
    Fleiss, Cohen and Everitt, Psychol. Bull. 72 (1969) 323-327.

    Raises:
        ValueError: the raters labelled different numbers of items.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} labels against {len(second)}: both must label the same items")
    n = len(first)
    rows, columns = Counter(first), Counter(second)
    chance = sum(count * columns[label] for label, count in rows.items()) / n**2 if n else 1.0
    if n < 2 or chance == 1:
        return None
    agreement = sum(a == b for a, b in zip(first, second, strict=True)) / n
    value = (agreement - chance) / (1 - chance)
    error = _kappa_error(Counter(zip(first, second, strict=True)), rows, columns, value, chance)
    half = _two_sided_z(confidence) * error
    return Kappa(value, error, Interval(max(-1.0, value - half), min(1.0, value + half)), agreement, n)


def _kappa_error(
    cells: Counter[tuple[Hashable, Hashable]],
    rows: Counter[Hashable],
    columns: Counter[Hashable],
    value: float,
    chance: float,
) -> float:
    """Fleiss, Cohen and Everitt's (1969) standard error, in the form A + B - C of Fleiss (1981)."""
    n = cells.total()
    agreeing = disagreeing = 0.0
    for (row, column), count in cells.items():
        if row == column:
            margins = (rows[row] + columns[row]) / n
            agreeing += count / n * (1 - margins * (1 - value)) ** 2
        else:
            margins = (columns[row] + rows[column]) / n
            disagreeing += count / n * margins**2 * (1 - value) ** 2
    variance = agreeing + disagreeing - (value - chance * (1 - value)) ** 2
    return sqrt(max(0.0, variance) / n) / (1 - chance)


@dataclass(frozen=True, slots=True)
class Gain:
    """How much more often the second of two passed, on the same `n` items; in [-1, 1]."""

    value: float
    interval: Interval
    n: int


def paired_gain(before: Sequence[bool], after: Sequence[bool], confidence: float = 0.95) -> Gain | None:
    """The difference of two proportions that were measured on the same items, item by item.

    None below two items.

    Source: method 10 of Newcombe, Statist. Med. 17 (1998) 2635-2650: Wilson's intervals of both proportions,
    joined with their correlation. It keeps its width where nothing differs, unlike Wald's.

    Raises:
        ValueError: different numbers of items.
    """
    n = len(before)
    if n != len(after):
        raise ValueError(f"{n} items against {len(after)}: both must be measured on the same items")
    first, second = wilson(sum(before), n, confidence), wilson(sum(after), n, confidence)
    if first is None or second is None:
        return None
    p, q = sum(before) / n, sum(after) / n
    correlation = _correlation(Counter(zip(before, after, strict=True)))

    def half(own: float, other: float) -> float:
        return sqrt(max(0.0, own * own - 2 * correlation * own * other + other * other))

    low = (q - p) - half(q - second.low, first.high - p)
    high = (q - p) + half(second.high - q, p - first.low)
    return Gain(q - p, Interval(max(-1.0, low), min(1.0, high)), n)


def _correlation(cells: Counter[tuple[bool, bool]]) -> float:
    """Newcombe's phi of a paired 2x2 table, with his correction towards 0 where it is positive."""
    both, one, other, none = (
        cells[pair] for pair in ((True, True), (True, False), (False, True), (False, False))
    )
    margins = (both + one) * (other + none) * (both + other) * (one + none)
    if not margins:
        return 0.0
    excess, n = both * none - one * other, cells.total()
    return (max(excess - n / 2, 0.0) if excess > 0 else float(excess)) / sqrt(margins)
