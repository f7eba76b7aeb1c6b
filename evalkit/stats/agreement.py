"""Agreement of two raters beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt

from evalkit.stats.rate import Interval, two_sided_z


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
    half = two_sided_z(confidence) * error
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
