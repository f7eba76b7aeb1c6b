"""How many cases a test of non-inferiority needs."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log, sqrt
from statistics import NormalDist, variance

from evalkit.stats.paired import Pairs

POWER = 0.8


def least_cases(margin: float, alpha: float) -> int:
    """How many cases it takes at least, if candidate and baseline differ on none: 59 at 0.05 and 0.05.

    With fewer, even that cannot be told from a candidate that loses `margin` of all cases.
    """
    return ceil(log(alpha) / log(1 - margin)) if 0 < margin < 1 else 1


def more_cases(pairs: Pairs, margin: float, alpha: float, power: float = POWER) -> int:
    """How many further cases would show non-inferiority with a probability of `power`, beside those at hand.

    The further ones are planned at a true difference of 0 and with the discordance at hand; those at hand
    count as they are. Tango's statistic of both together, by its normal approximation.
    """
    normal = NormalDist()
    z, reserve = normal.inv_cdf(1 - alpha), normal.inv_cdf(power)
    discordance, behind = pairs.discordance, pairs.lost - pairs.won
    spread = _spread(discordance, margin)

    def enough(more: int) -> bool:
        total = pairs.n + more
        return total * margin - behind >= z * spread * sqrt(total) + reserve * sqrt(more * discordance)

    low, high = 0, max(1, least_cases(margin, alpha) - int(pairs.n))
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return max(high, least_cases(margin, alpha) - int(pairs.n))


def more_repeats(
    differences: Sequence[float], within: float, repeats: float, margin: float, alpha: float
) -> int | None:
    """How often more each case would have to be asked for a power of POWER; None where that cannot do it.

    Repeats take away what varies between answers to one case, not what varies between cases.

    Args:
        differences: the mean difference of each case, in [-1, 1]; at least two.
        within: the variance of the difference between answers to one case.
        repeats: how often each has been asked.
        margin, alpha: of the test.
    """
    cases, normal = len(differences), NormalDist()
    between = max(0.0, variance(differences) - within / repeats)
    reach = normal.inv_cdf(1 - alpha) + normal.inv_cdf(POWER)
    bearable = (max(0.0, cases * margin + sum(differences)) / reach) ** 2 / cases
    if cases < least_cases(margin, alpha) or not within or bearable <= between:
        return None
    return max(1, ceil(within / (bearable - between) - repeats))


def _spread(discordance: float, margin: float) -> float:
    """The statistic's standard deviation for one case, as the hypothesis has it."""
    b = -discordance - 2 * margin
    alone = (sqrt(b * b - 4 * discordance * margin * (1 + margin)) - b) / 4
    return sqrt(2 * alone - margin * (1 + margin))
