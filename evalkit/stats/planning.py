"""How many cases a test of non-inferiority needs."""

from __future__ import annotations

from math import ceil, log, sqrt
from statistics import NormalDist

POWER = 0.8


def least_cases(margin: float, alpha: float) -> int:
    """How many cases it takes at least, if candidate and baseline differ on none: 59 at 0.05 and 0.05.

    With fewer, even that cannot be told from a candidate that loses `margin` of all cases.
    """
    return ceil(log(alpha) / log(1 - margin)) if 0 < margin < 1 else 1


def needed_cases(discordance: float, margin: float, alpha: float, power: float = POWER) -> int:
    """How many cases show non-inferiority with a probability of `power`, if both are truly equal.

    By the normal approximation of Tango's statistic, with its variance on the hypothesis; never below
    `least_cases`. Source: Nam, Biometrics 53 (1997) 1422-1430, section 4.

    Args:
        discordance: the share of cases on which the two differ.
        margin: above 0.
        alpha: one-sided.
    """
    normal = NormalDist()
    b = -discordance - 2 * margin
    alone = (sqrt(b * b - 4 * discordance * margin * (1 + margin)) - b) / 4
    spread = sqrt(2 * alone - margin * (1 + margin))
    reach = normal.inv_cdf(1 - alpha) * spread + normal.inv_cdf(power) * sqrt(discordance)
    return max(least_cases(margin, alpha), ceil((reach / margin) ** 2))
