"""Do two sides that were measured on the same cases differ at all?"""

from __future__ import annotations

from scipy.special import bdtr

from evalkit.stats.paired import Pairs


def mcnemar(pairs: Pairs) -> float:
    """The exact two-sided p-value of "neither side passes more often"; 1 where nothing differs.

    Each case on which they differ is won or lost with equal chances then. Source: McNemar, Psychometrika 12
    (1947) 153-157; the binomial tail in place of its chi-square, as in Fagerland et al., BMC Med. Res.
    Methodol. 13 (2013) 91.

    Args:
        pairs: counts that are whole.
    """
    won, lost = int(pairs.won), int(pairs.lost)
    return min(1.0, 2 * float(bdtr(min(won, lost), won + lost, 0.5)))
