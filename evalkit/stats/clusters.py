"""Groups of answers that hang together: repeats of a case, or cases of one `group`.

The unit is the group. Its answers are averaged, and the means of the groups are compared: an analysis by
cluster summaries, chapter 10 of Hayes and Moulton, Cluster Randomised Trials (2nd ed., 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev

from scipy.special import stdtr, stdtrit

from evalkit.stats.paired import Pairs, tango
from evalkit.stats.rate import Interval


def cluster_pairs(differences: Sequence[float]) -> Pairs:
    """As many single cases as there are groups, with the same mean difference and the same spread.

    A case that is won or lost adds 1 to the sum of squares; so groups which half of their answers win or lose
    count for a quarter of one.
    """
    total = sum(differences)
    discordant = max(abs(total), sum(value * value for value in differences))
    return Pairs(len(differences), (discordant + total) / 2, (discordant - total) / 2)


def t_p(differences: Sequence[float], shift: float) -> float:
    """One-sided p-value of "the mean is at most `shift`", by Student's t on one less than the groups.

    0 or 1 where all groups are alike, as far as they are not `shift` itself; 1 below two groups.
    """
    if len(differences) < 2:
        return 1.0
    above, error = fmean(differences) - shift, stdev(differences) / sqrt(len(differences))
    if not error:
        return 0.0 if above > 0 else 1.0
    return float(stdtr(len(differences) - 1, -above / error))


def cluster_interval(differences: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Of the mean difference: Student's t, but never narrower than as many single cases would give.

    So it has a width where all groups happen to agree; None below two groups.
    """
    floor_ = tango(cluster_pairs(differences), confidence)
    if floor_ is None:
        return None
    middle, groups = fmean(differences), len(differences)
    half = float(stdtrit(groups - 1, (1 + confidence) / 2)) * stdev(differences) / sqrt(groups)
    return Interval(max(-1.0, min(floor_.low, middle - half)), min(1.0, max(floor_.high, middle + half)))
